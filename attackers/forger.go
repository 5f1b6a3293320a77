// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Forger makes certificates for a node that is not the registrar that it poses as (draft
// section 2.7). It has what anybody can have: the registrar's certificate and the root, both
// of which are public, and certificates that the authority has made out to somebody else or
// for something else.
type Forger struct {
	// Name or Addr is what the certificate of the registrar has to be for.
	Name string
	Addr netip.Addr
	// Root is the authority that the user trusts, Honest the registrar's certificate.
	Root, Honest *x509.Certificate
	// Certify has the authority make out a certificate; nil: it makes none out to others.
	Certify func(template *x509.Certificate, key crypto.PublicKey) ([]byte, error)
}

// Flaw is what is wrong with a certificate.
type Flaw string

// The flaws.
const (
	FlawAuthority Flaw = "authority" // no path to the root that the user was given
	FlawSignature Flaw = "signature" // the root is named, and has not signed
	FlawTime      Flaw = "time"
	FlawName      Flaw = "name"
	FlawUsage     Flaw = "usage"
	FlawKey       Flaw = "key" // the certificate is good, the key behind it is not there
)

// Forgery is a certificate that a registrar must not be believed with.
type Forgery struct {
	What        string
	Flaw        Flaw
	Certificate tls.Certificate
}

// All makes one of each.
func (f *Forger) All() ([]Forgery, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("forge a certificate: %w", err)
	}
	var all []Forgery
	for _, forge := range []func(*ecdsa.PrivateKey) ([]Forgery, error){f.byNobody, f.byStrangers, f.fromTheHonest, f.certified, f.throughOthers} {
		made, err := forge(key)
		if err != nil {
			return nil, fmt.Errorf("forge a certificate: %w", err)
		}
		all = append(all, made...)
	}
	return all, nil
}

// right is what the authority says of the registrar.
func (f *Forger) right() *x509.Certificate {
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "registrar"},
		NotBefore: now.Add(-forgedLife), NotAfter: now.Add(forgedLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if f.Name != "" {
		t.DNSNames = []string{f.Name}
	} else {
		t.IPAddresses = []net.IP{f.Addr.AsSlice()}
	}
	return t
}

// forgedLife is the validity of forged certificates, before and after now, except where it
// is the flaw. It is shorter than the root's, so that the time is right for the whole chain.
const forgedLife = 12 * time.Hour

func one(what string, flaw Flaw, key crypto.PrivateKey, chain ...[]byte) Forgery {
	return Forgery{what, flaw, tls.Certificate{Certificate: chain, PrivateKey: key}}
}

// byItself is a certificate that anybody can make without knowing anything.
func (f *Forger) byItself() (Forgery, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Forgery{}, fmt.Errorf("forge a certificate: %w", err)
	}
	forged, err := f.byNobody(key)
	return forged[0], err
}

// byNobody are certificates that sign for themselves.
func (f *Forger) byNobody(key *ecdsa.PrivateKey) ([]Forgery, error) {
	t := f.right()
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	return []Forgery{one("a self-signed certificate", FlawAuthority, key, der)}, err
}

// byStrangers are certificates of authorities of the attacker's own.
func (f *Forger) byStrangers(key *ecdsa.PrivateKey) ([]Forgery, error) {
	unknown := authority(pkix.Name{CommonName: "authority of the attacker"})
	root, err := x509.CreateCertificate(rand.Reader, unknown, unknown, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.CreateCertificate(rand.Reader, f.right(), unknown, key.Public(), key)
	if err != nil {
		return nil, err
	}
	namesake := authority(f.Root.Subject)
	namesake.RawSubject, namesake.SubjectKeyId = f.Root.RawSubject, f.Root.SubjectKeyId
	same, err := x509.CreateCertificate(rand.Reader, f.right(), namesake, key.Public(), key)
	return []Forgery{
		one("a certificate of an unknown authority", FlawAuthority, key, leaf, root),
		one("a certificate of another authority with the name of the right one", FlawSignature, key, same),
	}, err
}

func authority(name pkix.Name) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: name, NotBefore: now.Add(-forgedLife), NotAfter: now.Add(forgedLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

// fromTheHonest are made of the registrar's own certificate.
func (f *Forger) fromTheHonest(key *ecdsa.PrivateKey) ([]Forgery, error) {
	if f.Honest == nil {
		return nil, nil
	}
	forged := []Forgery{
		one("the registrar's certificate without its key", FlawKey, key, f.Honest.Raw),
	}
	own, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if spki := f.Honest.RawSubjectPublicKeyInfo; len(own) == len(spki) {
		altered := bytes.Replace(f.Honest.Raw, spki, own, 1)
		forged = append(forged, one("the registrar's certificate with another key written into it", FlawSignature, key, altered))
	}
	return forged, nil
}

// certified are certificates that the authority did sign, for something else.
func (f *Forger) certified(key *ecdsa.PrivateKey) ([]Forgery, error) {
	if f.Certify == nil {
		return nil, nil
	}
	cases := []struct {
		what   string
		flaw   Flaw
		change func(t *x509.Certificate)
	}{
		{"an expired certificate", FlawTime, func(t *x509.Certificate) { t.NotAfter = time.Now().Add(-time.Hour) }},
		{"a certificate that is not yet valid", FlawTime, func(t *x509.Certificate) { t.NotBefore = time.Now().Add(time.Hour) }},
		{"a certificate for another name", FlawName, func(t *x509.Certificate) {
			t.DNSNames, t.IPAddresses = []string{"registrar.attacker.test"}, nil
		}},
		{"a certificate for another address", FlawName, func(t *x509.Certificate) {
			t.DNSNames, t.IPAddresses = nil, []net.IP{net.IPv4(192, 0, 2, 66)}
		}},
		{"the certificate of a pool element", FlawName, func(t *x509.Certificate) {
			t.Subject.CommonName, t.DNSNames, t.IPAddresses = "pool element", []string{"element.rspthreat.test"}, nil
		}},
		{"a certificate that names the registrar in its subject only", FlawName, func(t *x509.Certificate) {
			t.Subject.CommonName, t.DNSNames, t.IPAddresses = f.identity(), []string{"registrar.attacker.test"}, nil
		}},
		{"a key that is certified to sign certificates only", FlawUsage, func(t *x509.Certificate) { t.KeyUsage = x509.KeyUsageCRLSign }},
		{"a certificate for TLS clients", FlawUsage, func(t *x509.Certificate) {
			t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}},
	}
	if suffix := f.wildcard(); suffix != "" {
		cases = append(cases, struct {
			what   string
			flaw   Flaw
			change func(t *x509.Certificate)
		}{"a wildcard that does not fit", FlawName, func(t *x509.Certificate) { t.DNSNames = []string{suffix} }})
	}
	forged := make([]Forgery, 0, len(cases)+1)
	for _, c := range cases {
		t := f.right()
		c.change(t)
		der, err := f.Certify(t, key.Public())
		if err != nil {
			return nil, err
		}
		forged = append(forged, one(c.what, c.flaw, key, der))
	}
	der, err := f.Certify(f.right(), key.Public())
	if err != nil {
		return nil, err
	}
	der = slices.Clone(der)
	der[len(der)-1] ^= 1 // within the signature, which is last
	return append(forged, one("a certificate with one bit of its signature turned", FlawSignature, key, der)), nil
}

func (f *Forger) identity() string {
	if f.Name != "" {
		return f.Name
	}
	return f.Addr.String()
}

// wildcard is a name with an asterisk for two labels, which RFC 5352 section 9.2 does not
// have match: *.example.com is not for a.b.example.com.
func (f *Forger) wildcard() string {
	labels := strings.Split(f.Name, ".")
	if len(labels) < 3 {
		return ""
	}
	return "*." + strings.Join(labels[2:], ".")
}

// throughOthers are certificates below others that the authority has signed.
func (f *Forger) throughOthers(key *ecdsa.PrivateKey) ([]Forgery, error) {
	if f.Certify == nil {
		return nil, nil
	}
	between := authority(pkix.Name{CommonName: "authority between"})
	leaf, err := x509.CreateCertificate(rand.Reader, f.right(), between, key.Public(), key)
	if err != nil {
		return nil, err
	}
	element := f.right()
	element.Subject, element.DNSNames, element.IPAddresses = pkix.Name{CommonName: "pool element"}, []string{"element.rspthreat.test"}, nil
	issuer, err := f.Certify(element, key.Public())
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(issuer)
	if err != nil {
		return nil, err
	}
	issued, err := x509.CreateCertificate(rand.Reader, f.right(), parsed, key.Public(), key)
	return []Forgery{
		one("a chain with a missing link", FlawAuthority, key, leaf),
		one("a certificate that a pool element has signed", FlawAuthority, key, issued, issuer),
	}, err
}
