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
	"errors"
	"fmt"
	"time"
)

// LoadAuthority takes an authority from the PEM of its certificate and its key.
func LoadAuthority(certificate, key []byte) (*Authority, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("authority %s: %w", pair.Leaf.Subject, errNoAuthority)
	}
	return &Authority{Certificate: pair.Leaf, key: signer}, nil
}

// errNoAuthority: what it would sign nobody would believe.
var errNoAuthority = errors.New("its certificate is not that of an authority (basicConstraints CA:TRUE)")

// testAuthorityLife is how long a test authority in a file is valid: a system under test has
// it in its own configuration, and nobody wants to renew that for each run.
const testAuthorityLife = 365 * 24 * time.Hour

// NewTestAuthority makes an authority that can be kept in a file, for systems under test that
// cannot be told whom to trust. A product must never trust it.
func NewTestAuthority(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", name, err)
	}
	now := time.Now()
	a := &Authority{key: key}
	a.Certificate = &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-certificateLife), NotAfter: now.Add(testAuthorityLife),
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

// KeyPEM returns the key of the authority, which is a secret.
func (a *Authority) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", a.Certificate.Subject, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
