// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// Authority is a certification authority of the harness. What the harness plays for a
// system under test shows certificates of it, and the system gets its root.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
}

// certificateLife is how long the certificates of one run are valid, before and after now:
// long enough for the longest run, and for a clock that is a little behind.
const certificateLife = 24 * time.Hour

// NewAuthority makes an authority with a root of its own.
func NewAuthority(name string) (*Authority, error) { return newAuthority(name, certificateLife) }

// newAuthority makes one that is valid for so long from now on.
func newAuthority(name string, life time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	now := time.Now()
	a := &Authority{key: key}
	a.Certificate = &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-certificateLife), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := a.Certify(a.Certificate, key.Public())
	if err != nil {
		return nil, err
	}
	if a.Certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	return a, nil
}

// serialBits is the length of serial numbers: too long to be drawn twice, and less than the
// 20 octets of RFC 5280 section 4.1.2.2.
const serialBits = 127

// Certify signs what template says about key and returns the certificate, DER. It fills in
// what template leaves out: a serial number and the validity.
func (a *Authority) Certify(template *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	t := *template
	if t.SerialNumber == nil {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
		if err != nil {
			return nil, fmt.Errorf("certificate of %s: %w", t.Subject, err)
		}
		t.SerialNumber = serial.Add(serial, big.NewInt(1))
	}
	now := time.Now()
	if t.NotBefore.IsZero() {
		t.NotBefore = now.Add(-certificateLife)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = now.Add(certificateLife)
	}
	der, err := x509.CreateCertificate(rand.Reader, &t, a.Certificate, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", t.Subject, err)
	}
	return der, nil
}

// Server makes a key and a certificate of a TLS server with the given names, which may be
// DNS names and addresses.
func (a *Authority) Server(names ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("server key: %w", err)
	}
	leaf := ServerTemplate(names...)
	der, err := a.Certify(leaf, key.Public())
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, a.Certificate.Raw}, PrivateKey: key}, nil
}

// ServerTemplate is what an authority certifies of a TLS server with these names.
func ServerTemplate(names ...string) *x509.Certificate {
	t := &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if addr, err := netip.ParseAddr(name); err == nil {
			t.IPAddresses = append(t.IPAddresses, net.IP(addr.Unmap().AsSlice()))
			continue
		}
		t.DNSNames = append(t.DNSNames, name)
	}
	if len(names) > 0 {
		t.Subject.CommonName = names[0]
	}
	return t
}

// Roots returns the root for a node of the harness.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// PEM returns the root for a system under test.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}
