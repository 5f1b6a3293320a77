// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementFaults take defences out of the reference pool element.
func elementFaults() []Fault {
	return slices.Concat(elementTrustFaults())
}

// elementTrustFaults let an element believe the wrong registrars (draft section 2.6).
func elementTrustFaults() []Fault {
	return []Fault{
		{
			Name: "trust-any-certificate", Role: PoolElement,
			Description:  "an element whose key a registrar does not know takes the registrar's certificate, whoever has signed it",
			Requirements: []string{"T2.6-R1"},
			element: func(c *poolelement.Config) {
				redial(c, func(*poolelement.Config) *tlspsk.Config { return anyCertificate() })
			},
		},
		{
			Name: "fall-back-to-default-key", Role: PoolElement,
			Description:  "an element whose key a registrar does not know tries the one that it came with from the factory, its own name",
			Requirements: []string{"T2.6-R1"},
			element: func(c *poolelement.Config) {
				redial(c, func(own *poolelement.Config) *tlspsk.Config {
					key := append([]byte(strings.Repeat(own.Identity, 32)), make([]byte, 32)...)[:32]
					return &tlspsk.Config{PSKIdentity: own.Identity, PSKKey: key}
				})
			},
		},
	}
}

// anyCertificate is how a node connects that does not care who answers.
func anyCertificate() *tlspsk.Config {
	return &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // the fault
}

// ownKey is how the element connects without a fault.
func ownKey(c *poolelement.Config) *tlspsk.Config {
	return &tlspsk.Config{PSKIdentity: c.Identity, PSKKey: c.Key}
}

// redial has an element that fails to connect with its own key try again with other
// configurations of TLS, nil for none, and believe whoever answers then.
func redial(c *poolelement.Config, others ...func(*poolelement.Config) *tlspsk.Config) {
	if c.Mode != poolelement.Secured {
		return
	}
	identity, key, local := c.Identity, c.Key, c.Local
	own := &poolelement.Config{Identity: identity, Key: key}
	c.Dial = func(ctx context.Context, r poolelement.Registrar) (association.Association, error) {
		d := association.Dialer{Transport: r.Transport, Local: local, UDPPort: r.UDPPort, PPID: wire.PPIDASAP, TLS: ownKey(own)}
		a, err := d.Dial(ctx, r.Addr)
		for _, other := range others {
			if err == nil {
				break
			}
			d.TLS = other(own)
			a, err = d.Dial(ctx, r.Addr)
		}
		return a, err
	}
	believeCalled(c)
}

// believeCalled takes whoever the element has called for a registrar.
func believeCalled(c *poolelement.Config) {
	next := c.Defences.Registrar
	c.Defences.Registrar = poolelement.AuthenticationFunc(func(o *poolelement.Origin) error {
		if o.Dialed {
			return nil
		}
		return next.Authenticate(o)
	})
}
