// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
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
func NewTestAuthority(name string) (*Authority, error) { return newAuthority(name, testAuthorityLife) }

// KeyPEM returns the key of the authority, which is a secret.
func (a *Authority) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", a.Certificate.Subject, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
