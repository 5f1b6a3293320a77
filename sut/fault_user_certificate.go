// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// userCertificateFaults weaken what the user checks of a registrar's certificate.
func userCertificateFaults() []Fault {
	without := func(check pooluser.CertificateChecks) func(*pooluser.Config) {
		return func(c *pooluser.Config) { c.Defences.Certificate = pooluser.AllCertificateChecks &^ check }
	}
	return []Fault{
		{
			Name:         "user-ignore-chain",
			Description:  "whoever has signed a registrar's certificate is trusted",
			Requirements: []string{"T2.7-R1", "T2.7-R4", "T2.7-R5", "T2.12-R1"},
			user:         without(pooluser.CheckChain),
		},
		{
			Name:         "user-trust-presented-root",
			Description:  "the root that a registrar shows is trusted like the one that the user was given",
			Requirements: []string{"T2.7-R1", "T2.7-R4", "T2.12-R1"},
			user:         func(c *pooluser.Config) { verifyRegistrarsBy(c, trustPresented) },
		},
		{
			Name:         "user-skip-signature",
			Description:  "the issuer of a registrar's certificate is looked up, and its signature not checked",
			Requirements: []string{"T2.7-R1", "T2.7-R5"},
			user:         func(c *pooluser.Config) { verifyRegistrarsBy(c, skipSignature) },
		},
		{
			Name:         "user-ignore-validity",
			Description:  "certificates of registrars are believed before and after their time",
			Requirements: []string{"T2.7-R1"},
			user:         without(pooluser.CheckTime),
		},
		{
			Name:         "user-ignore-name",
			Description:  "any certificate of the authority is good for any registrar",
			Requirements: []string{"T2.7-R1"},
			user:         without(pooluser.CheckName),
		},
		{
			Name:         "user-ignore-usage",
			Description:  "what a key is certified for is not looked at",
			Requirements: []string{"T2.7-R1"},
			user:         without(pooluser.CheckUsage),
		},
	}
}

// verifier decides instead of crypto/tls; chain is what the registrar showed, its own first.
type verifier func(chain []*x509.Certificate, roots *x509.CertPool, name string) error

// verifyRegistrarsBy replaces the verification of registrars' certificates.
func verifyRegistrarsBy(c *pooluser.Config, verify verifier) {
	c.Defences.Authentication = admitEverybody{required: true}
	dial := c.Dial
	c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
		if towardsRegistrar(&t) && t.TLS != nil && t.TLS.Certificates != nil {
			t.TLS = t.TLS.Clone()
			own := t.TLS.Certificates.Clone()
			t.TLS.Certificates = own
			own.InsecureSkipVerify = true // verify does it
			own.VerifyConnection = func(s tls.ConnectionState) error {
				return verify(s.PeerCertificates, own.RootCAs, own.ServerName)
			}
		}
		return dial(ctx, t)
	}
}

// trustPresented trusts every root in the chain.
func trustPresented(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	o := x509.VerifyOptions{DNSName: name, Roots: roots.Clone(), Intermediates: x509.NewCertPool()}
	for _, c := range chain {
		if bytes.Equal(c.RawIssuer, c.RawSubject) {
			o.Roots.AddCert(c)
		}
		o.Intermediates.AddCert(c)
	}
	if err := forHandshakes(chain[0]); err != nil {
		return err
	}
	_, err := chain[0].Verify(o)
	return err
}

// Errors of the verifiers.
var (
	errNotSigned = errors.New("no root has the name of the issuer")
	errNotValid  = errors.New("the certificate is not valid now")
	errUsage     = errors.New("the certificate is not one for TLS servers")
)

// skipSignature checks everything but the signature of the root over the certificate.
func skipSignature(chain []*x509.Certificate, roots *x509.CertPool, name string) error {
	leaf := chain[0]
	//lint:ignore SA1019 these are no system roots, whose subjects would be missing
	if !slices.ContainsFunc(roots.Subjects(), func(subject []byte) bool { return bytes.Equal(subject, leaf.RawIssuer) }) {
		return errNotSigned
	}
	if now := time.Now(); now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return errNotValid
	}
	if err := leaf.VerifyHostname(name); err != nil {
		return err
	}
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return errUsage
	}
	return forHandshakes(leaf)
}

// forHandshakes looks at the key usage, which crypto/tls leaves alone.
func forHandshakes(leaf *x509.Certificate) error {
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return errUsage
	}
	return nil
}
