// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// ca is an authority for the tests of forgeries.
type ca struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t *testing.T) ca {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the right authority"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return ca{root, key}
}

func (c ca) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.root)
	return pool
}

func (c ca) certify(template *x509.Certificate, key crypto.PublicKey) ([]byte, error) {
	return x509.CreateCertificate(rand.Reader, template, c.root, key, c.key)
}

// honest is the registrar's own certificate.
func (c ca) honest(t *testing.T, name string, addr netip.Addr) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "registrar"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name != "" {
		template.DNSNames = []string{name}
	} else {
		template.IPAddresses = []net.IP{addr.AsSlice()}
	}
	der, err := c.certify(template, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// opensslBelieves tells whether openssl verifies a chain for a TLS server of that identity.
func opensslBelieves(t *testing.T, root *x509.Certificate, chain [][]byte, name string, addr netip.Addr) bool {
	t.Helper()
	dir := t.TempDir()
	write := func(file string, certificates ...[]byte) string {
		var b []byte
		for _, der := range certificates {
			b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"verify", "-x509_strict", "-purpose", "sslserver", "-no-CApath", "-no-CAstore", "-CAfile", write("root.pem", root.Raw)}
	if name != "" {
		args = append(args, "-verify_hostname", name)
	} else {
		args = append(args, "-verify_ip", addr.String())
	}
	if len(chain) > 1 {
		args = append(args, "-untrusted", write("others.pem", chain[1:]...))
	}
	out, err := exec.Command("openssl", append(args, write("leaf.pem", chain[0]))...).CombinedOutput()
	if len(out) == 0 {
		t.Fatalf("openssl says nothing: %v", err)
	}
	return err == nil
}

// TestForgeriesAreRefusedByAnotherImplementation: each is to be refused by who checks all,
// and the registrar's own certificate is not.
func TestForgeriesAreRefusedByAnotherImplementation(t *testing.T) {
	for _, id := range []struct {
		name string
		addr netip.Addr
	}{{name: "registrar.rspthreat.test"}, {addr: netip.MustParseAddr("127.3.2.1")}} {
		c := newCA(t)
		honest := c.honest(t, id.name, id.addr)
		if !opensslBelieves(t, c.root, [][]byte{honest.Raw}, id.name, id.addr) {
			t.Fatal("openssl does not believe the honest certificate")
		}
		f := Forger{Name: id.name, Addr: id.addr, Root: c.root, Honest: honest, Certify: c.certify}
		all, err := f.All()
		if err != nil {
			t.Fatal(err)
		}
		flaws := map[Flaw]int{}
		for _, forgery := range all {
			flaws[forgery.Flaw]++
			believed := opensslBelieves(t, c.root, forgery.Certificate.Certificate, id.name, id.addr)
			// The key is looked at in the handshake only.
			if want := forgery.Flaw == FlawKey; believed != want {
				t.Errorf("%s: believed %t, want %t", forgery.What, believed, want)
			}
		}
		for _, flaw := range []Flaw{
			FlawAuthority, FlawSignature, FlawTime, FlawName, FlawUsage, FlawKey,
		} {
			if flaws[flaw] == 0 {
				t.Errorf("no forgery with a flaw of the %s", flaw)
			}
		}
	}
}

// TestForgeriesHaveOneFlaw: what is wrong is what it says, and nothing else, so that a user
// that lacks one check falls for it.
func TestForgeriesHaveOneFlaw(t *testing.T) {
	const name = "registrar.rspthreat.test"
	c := newCA(t)
	f := Forger{Name: name, Root: c.root, Honest: c.honest(t, name, netip.Addr{}), Certify: c.certify}
	all, err := f.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, forgery := range all {
		leaf, err := x509.ParseCertificate(forgery.Certificate.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for flaw, wrong := range map[Flaw]bool{
			FlawTime:      now.Before(leaf.NotBefore) || now.After(leaf.NotAfter),
			FlawName:      leaf.VerifyHostname(name) != nil,
			FlawUsage:     leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth),
			FlawKey:       !samePublic(forgery.Certificate, leaf),
			FlawAuthority: leaf.CheckSignatureFrom(c.root) != nil && string(leaf.RawIssuer) != string(c.root.RawSubject),
			FlawSignature: leaf.CheckSignatureFrom(c.root) != nil && string(leaf.RawIssuer) == string(c.root.RawSubject),
		} {
			if wrong != (forgery.Flaw == flaw) {
				t.Errorf("%s: wrong %s: %t", forgery.What, flaw, wrong)
			}
		}
	}
}

func samePublic(c tls.Certificate, leaf *x509.Certificate) bool {
	return c.PrivateKey.(*ecdsa.PrivateKey).PublicKey.Equal(leaf.PublicKey)
}
