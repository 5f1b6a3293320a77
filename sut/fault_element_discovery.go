// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementDiscoveryFaults are about registrars that were announced (draft section 2.12).
func elementDiscoveryFaults() []Fault {
	return []Fault{
		{
			Name:         "trust-announced-certificate",
			Description:  "an element takes the certificate of a registrar that was announced, whoever has signed it",
			Requirements: []string{"T2.12-R1"},
			element: func(c *poolelement.Config) {
				dialAnnounced(c, 0, ownKey, func(*poolelement.Config) *tlspsk.Config { return anyCertificate() })
			},
		},
		{
			Name:         "forget-configured-registrars",
			Description:  "an element that listens for announcements does without the registrars that it is configured with",
			Requirements: []string{"T2.12-R1"},
			element: func(c *poolelement.Config) {
				if c.Announcements != nil {
					c.Registrars = nil
				}
			},
		},
		{
			Name:         "speak-clear-to-announced",
			Description:  "an element speaks in clear to a registrar that was announced, at the port of ASAP",
			Requirements: []string{"T2.12-R1", "T2.12-R2", "T2.12-R3"},
			element: func(c *poolelement.Config) {
				dialAnnounced(c, wire.PortASAP, func(*poolelement.Config) *tlspsk.Config { return nil })
			},
		},
		{
			Name:         "speak-null-to-announced",
			Description:  "an element offers a registrar that was announced suites without encryption only",
			Requirements: []string{"T2.12-R2", "T2.12-R3"},
			element: func(c *poolelement.Config) {
				dialAnnounced(c, 0, func(own *poolelement.Config) *tlspsk.Config {
					config := ownKey(own)
					config.CipherSuites, config.MaxVersion = "PSK-NULL-SHA256:@SECLEVEL=0", tlspsk.TLS12
					return config
				})
			},
		},
	}
}

// dialAnnounced is dialWith for registrars that are not configured, at port if that is not 0.
func dialAnnounced(c *poolelement.Config, port uint16, ways ...func(*poolelement.Config) *tlspsk.Config) {
	if c.Announcements == nil {
		return
	}
	known := configured(c)
	dialBy(c, func(addr netip.AddrPort) bool { return !known(addr) }, port, ways)
}
