// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementFaults take defences out of the reference pool element.
func elementFaults() []Fault {
	all := slices.Concat(elementHandshakeFaults(), elementTrustFaults(), elementTransportFaults(), elementDiscoveryFaults(), elementCookieFaults(),
		elementInsiderFaults())
	for i := range all {
		all[i].Role = PoolElement
	}
	return all
}

// elementHandshakeFaults are about how an element begins (draft sections 2.1 to 2.4).
func elementHandshakeFaults() []Fault {
	handshake := []string{"T2.1-R2", "T2.2-R3", "T2.3-R3", "T2.4-R3", "T2.6-R3"}
	return []Fault{
		{
			Name:         "offer-certificates-only",
			Description:  "an element speaks TLS with certificates only, and offers no suite for pre-shared keys",
			Requirements: handshake,
			Disables:     true,
			element: func(c *poolelement.Config) {
				dialWith(c, func(*poolelement.Config) *tlspsk.Config { return anyCertificate() })
			},
		},
		{
			Name:         "fall-back-to-default-key",
			Description:  "an element whose key a registrar does not know tries the one that it came with from the factory, its own name",
			Requirements: append([]string{"T2.6-R1"}, handshake...),
			element: func(c *poolelement.Config) {
				dialWith(c, ownKey, func(own *poolelement.Config) *tlspsk.Config {
					key := append([]byte(strings.Repeat(own.Identity, 32)), make([]byte, 32)...)[:32]
					return &tlspsk.Config{PSKIdentity: own.Identity, PSKKey: key}
				})
			},
		},
		{
			Name:         "fall-back-to-clear",
			Description:  "an element that cannot agree on TLS with a registrar speaks to it in clear",
			Requirements: []string{"T2.2-R2", "T2.3-R2", "T2.4-R2", "T2.6-R2"},
			element: func(c *poolelement.Config) {
				dialWith(c, ownKey, func(*poolelement.Config) *tlspsk.Config { return nil })
			},
		},
	}
}

// elementTrustFaults let an element believe the wrong registrars (draft section 2.6).
func elementTrustFaults() []Fault {
	return []Fault{
		{
			Name:         "trust-any-certificate",
			Description:  "an element whose key a registrar does not know takes the registrar's certificate, whoever has signed it",
			Requirements: []string{"T2.6-R1"},
			element: func(c *poolelement.Config) {
				dialWith(c, ownKey, func(*poolelement.Config) *tlspsk.Config { return anyCertificate() })
			},
		},
		{
			Name:         "believe-clear-caller",
			Description:  "whoever comes to an element in clear is taken for a registrar",
			Requirements: []string{"T2.6-R1"},
			element: func(c *poolelement.Config) {
				believe(c, func(o *poolelement.Origin) bool { return !o.Dialed && !o.Info.Secured })
			},
		},
		{
			Name:         "demand-certificate-beside-key",
			Description:  "an element wants a certificate of a registrar that has shown its key already",
			Requirements: []string{"T2.6-R4"},
			Disables:     true,
			element: func(c *poolelement.Config) {
				c.Defences.Registrar = poolelement.AuthenticationFunc(func(*poolelement.Origin) error { return poolelement.ErrRefused })
			},
		},
		{
			Name:         "go-on-with-first-key",
			Description:  "an element keeps the first key that it was given, whatever the administrators configure later",
			Requirements: []string{"T2.6-R5"},
			element:      firstKeys(),
		},
		{
			Name:         "admit-element-keys",
			Description:  "an element takes the keys of other elements for those of registrars",
			Requirements: []string{"T2.6-R6"},
			everyKey:     true,
		},
	}
}

// elementTransportFaults weaken TLS.
func elementTransportFaults() []Fault {
	return []Fault{
		{
			Name:         "offer-null-encryption",
			Description:  "an element offers cipher suites that authenticate but do not encrypt",
			Requirements: []string{"T2.11-R1", "T2.11-R2"},
			element: func(c *poolelement.Config) {
				// Level 0, because OpenSSL leaves NULL suites out of every higher one.
				c.TLS.CipherSuites = "PSK-AES128-GCM-SHA256:PSK-NULL-SHA256:PSK-NULL-SHA:@SECLEVEL=0"
			},
		},
		{
			Name:         "take-changed-records",
			Description:  "an element decrypts TLS records and does not look at what authenticates them",
			Requirements: []string{"T2.10-R1", "T2.10-R2", "T2.10-R3"},
			element:      laxElement(laxIntegrity),
		},
		{
			Name:         "go-on-with-null-suite",
			Description:  "an element goes on when a registrar chooses TLS_NULL_WITH_NULL_NULL",
			Requirements: []string{"T2.10-R1", "T2.10-R2", "T2.10-R3"},
			element: func(c *poolelement.Config) {
				dialWrapped(c, func(*tlspsk.Config) func(net.Conn) net.Conn {
					return func(raw net.Conn) net.Conn { return &submissive{Conn: raw, suites: []uint16{0x0000}} }
				})
			},
		},
		{
			Name:         "take-records-again",
			Description:  "an element takes TLS records that it has had before, except the last one a second time",
			Requirements: []string{"T2.8-R1", "T2.8-R2"},
			element:      laxElement(laxReplay),
		},
	}
}

// laxElement is an element with a lax record layer.
func laxElement(how laxity) func(*poolelement.Config) {
	return func(c *poolelement.Config) {
		dialWrapped(c, func(config *tlspsk.Config) func(net.Conn) net.Conn { return lax(config, how) })
	}
}

// dialWrapped has a secured element come to registrars through what below makes of each
// association's TLS.
func dialWrapped(c *poolelement.Config, below func(*tlspsk.Config) func(net.Conn) net.Conn) {
	if c.Mode != poolelement.Secured {
		return
	}
	identity, key, local := c.Identity, c.Key, c.Local
	c.Dial = func(ctx context.Context, r poolelement.Registrar) (association.Association, error) {
		config := &tlspsk.Config{PSKIdentity: identity, PSKKey: key}
		wrap := below(config)
		d := association.Dialer{Transport: r.Transport, Local: local, UDPPort: r.UDPPort, PPID: wire.PPIDASAP, TLS: config, Wrap: wrap}
		return d.Dial(ctx, r.Addr)
	}
}

// firstKeys goes on with the first key of each identity. The fault lasts as long as the
// target, so that it also spans a restart of the element.
func firstKeys() func(*poolelement.Config) {
	var mu sync.Mutex
	first := make(map[string][]byte)
	return func(c *poolelement.Config) {
		mu.Lock()
		defer mu.Unlock()
		if key := first[c.Identity]; key != nil {
			c.Key = key
		} else {
			first[c.Identity] = c.Key
		}
	}
}

// takeForRegistrars adds keys to those by which registrars come to the element.
func takeForRegistrars(c *poolelement.Config, keys []*PSK) {
	if c.Mode != poolelement.Secured {
		return
	}
	known := map[string]bool{c.Identity: true}
	for _, k := range c.RegistrarKeys {
		known[k.Name] = true
	}
	for _, k := range keys {
		if !known[k.Identity] {
			c.RegistrarKeys = append(c.RegistrarKeys, poolelement.RegistrarKey{Name: k.Identity, Key: k.Key})
		}
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

// dialWith has an element connect to registrars that it is configured with by the given
// configurations of TLS in their order, nil for none, until one succeeds, and believe whoever
// answers then.
func dialWith(c *poolelement.Config, ways ...func(*poolelement.Config) *tlspsk.Config) {
	dialBy(c, configured(c), 0, ways)
}

// configured tells whether the element knows a registrar from its configuration.
func configured(c *poolelement.Config) func(netip.AddrPort) bool {
	known := slices.Clone(c.Registrars)
	return func(addr netip.AddrPort) bool {
		return slices.ContainsFunc(known, func(r poolelement.Registrar) bool { return r.Addr == addr })
	}
}

// dialBy has an element connect in those ways to the registrars that who accepts, at port if
// that is not 0, and with its key to all others.
func dialBy(c *poolelement.Config, who func(netip.AddrPort) bool, port uint16, ways []func(*poolelement.Config) *tlspsk.Config) {
	if c.Mode != poolelement.Secured {
		return
	}
	own := &poolelement.Config{Identity: c.Identity, Key: c.Key, Local: c.Local}
	c.Dial = func(ctx context.Context, r poolelement.Registrar) (a association.Association, err error) {
		// The next way is tried although the time for this set of candidates may be over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), faultyDial)
		defer cancel()
		addr, ways := r.Addr, ways
		switch {
		case !who(addr):
			ways = []func(*poolelement.Config) *tlspsk.Config{ownKey}
		case port != 0:
			addr = netip.AddrPortFrom(addr.Addr(), port)
		}
		for _, way := range ways {
			d := association.Dialer{Transport: r.Transport, Local: own.Local, UDPPort: r.UDPPort, PPID: wire.PPIDASAP, TLS: way(own)}
			if a, err = d.Dial(ctx, addr); err == nil {
				break
			}
		}
		return a, err
	}
	believe(c, func(o *poolelement.Origin) bool { return o.Dialed && who(o.Registrar.Addr) })
}

// faultyDial bounds all ways together.
const faultyDial = 2 * time.Second

// believe takes whoever who accepts for a registrar.
func believe(c *poolelement.Config, who func(*poolelement.Origin) bool) {
	next := c.Defences.Registrar
	c.Defences.Registrar = poolelement.AuthenticationFunc(func(o *poolelement.Origin) error {
		if who(o) {
			return nil
		}
		return next.Authenticate(o)
	})
}
