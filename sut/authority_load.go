// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
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
