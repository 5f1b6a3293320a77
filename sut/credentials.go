// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/x509"
	"fmt"
)

// PSK is a pre-shared key with its identity.
type PSK struct {
	Identity string `json:"identity"`
	Key      Hex    `json:"key"`
}

// String names the identity and never the key.
func (p *PSK) String() string {
	if p == nil {
		return "none"
	}
	return fmt.Sprintf("psk identity %q", p.Identity)
}

// Credentials are what the operator of the system under test gives the harness. A nil key
// was not given; checks that need it say so and are not judged.
type Credentials struct {
	Element    *PSK // a pool element that may join Instance.Pool
	Other      *PSK // a second one, that may join the same pool
	Restricted *PSK // a pool element that may join Instance.OtherPool only
	Peer       *PSK // a peer registrar
	// Registrar is the identity by which the registrar under test shows itself to the peers
	// that it calls, for the harness to play them.
	Registrar  *PSK
	RootCAs    *x509.CertPool
	ServerName string // name in the registrar's certificate
}

// Keys returns every pre-shared key that was given.
func (c *Credentials) Keys() []*PSK {
	var keys []*PSK
	for _, k := range []*PSK{c.Element, c.Other, c.Restricted, c.Peer} {
		if k != nil {
			keys = append(keys, k)
		}
	}
	return keys
}
