// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// CertificateChecks is a set of aspects of a registrar's certificate (draft
// section 2.7, RFC 5352 section 9.2). That the registrar holds the private key
// is part of every TLS handshake and not among them.
type CertificateChecks uint8

// The checks. All of them together are those of crypto/tls and one more; a set
// that lacks some is for faults only.
const (
	CheckChain CertificateChecks = 1 << iota // signatures up to one of RootCAs
	CheckTime                                // every certificate of the chain is valid now
	CheckName                                // name or address in subjectAltName
	CheckUsage                               // key usage and extended key usage of a TLS server

	AllCertificateChecks = CheckChain | CheckTime | CheckName | CheckUsage
)

// ErrCertificate is wrapped by what our own checks refuse; crypto/tls refuses
// with a *tls.CertificateVerificationError.
var ErrCertificate = errors.New("pooluser: registrar certificate refused")

var checkNames = [...]string{"chain", "time", "name", "usage"}

// String lists the checks: "chain+time+name+usage".
func (c CertificateChecks) String() string {
	var names []string
	for i, n := range checkNames {
		if c&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "+")
}

// configure returns the configuration that makes the checks against reference.
func (c CertificateChecks) configure(cred *Credentials, reference string) *tls.Config {
	t := &tls.Config{RootCAs: cred.RootCAs, ServerName: reference, Certificates: cred.Certificates}
	if c&AllCertificateChecks == AllCertificateChecks {
		t.VerifyConnection = func(s tls.ConnectionState) error { return checkKeyUsage(s.PeerCertificates[0]) }
		return t
	}
	t.InsecureSkipVerify = true // what is left of the checks is made below
	t.VerifyConnection = func(s tls.ConnectionState) error { return c.verify(&s, cred.RootCAs, reference) }
	return t
}

// checkKeyUsage refuses a key that was not certified for TLS handshakes, which
// crypto/tls does not look at. A certificate that does not restrict its key has
// usage 0 (RFC 5280 section 4.2.1.3).
func checkKeyUsage(leaf *x509.Certificate) error {
	const handshake = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement
	if leaf.KeyUsage != 0 && leaf.KeyUsage&handshake == 0 {
		return fmt.Errorf("%w: key usage %#x is not for TLS", ErrCertificate, int(leaf.KeyUsage))
	}
	return nil
}

// verify makes an incomplete set of checks, for faults.
func (c CertificateChecks) verify(s *tls.ConnectionState, roots *x509.CertPool, reference string) error {
	leaf := s.PeerCertificates[0]
	if c&CheckUsage != 0 {
		if err := checkKeyUsage(leaf); err != nil {
			return err
		}
	}
	if c&CheckName != 0 {
		if err := leaf.VerifyHostname(reference); err != nil {
			return fmt.Errorf("%w: %w", ErrCertificate, err)
		}
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, i := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(i)
	}
	if c&CheckChain == 0 { // whoever signed it is trusted
		o.Roots = x509.NewCertPool()
		o.Roots.AddCert(leaf)
	}
	if c&CheckTime == 0 {
		o.CurrentTime = leaf.NotBefore
	}
	if c&CheckUsage == 0 {
		o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	}
	if _, err := leaf.Verify(o); err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return nil
}
