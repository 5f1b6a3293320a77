// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/tls"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// administrationFaults take no notice of what administrators decide: who may participate,
// which authority certifies, and who is a registrar.
func administrationFaults() []Fault {
	return []Fault{
		{
			Name:         "keep-withdrawn-elements",
			Description:  "an element's key that was withdrawn is good for as long as the registrar runs",
			Requirements: []string{"T2.1-R4", "T2.2-R1", "T2.2-R5", "T2.3-R5", "T2.4-R5"},
			apply:        func(c *registrar.Config) { c.Keys = remember(c.Keys, registrar.RolePE) },
		},
		{
			Name:         "resume-withdrawn-sessions",
			Description:  "who has a session ticket goes on with it when the key of an element is withdrawn",
			Requirements: []string{"T2.1-R4", "T2.2-R1", "T2.2-R5", "T2.3-R5", "T2.4-R5"},
			apply: func(c *registrar.Config) {
				c.TLS.Tickets = true
				c.Keys = grantOnly{remember(c.Keys, registrar.RolePE), c.Keys}
			},
		},
		{
			Name:         "keep-withdrawn-registrars",
			Description:  "a registrar's key that was withdrawn is good for as long as this one runs",
			Requirements: []string{"T2.5-R5"},
			apply:        func(c *registrar.Config) { c.Keys = remember(c.Keys, registrar.RoleRegistrar) },
		},
		{
			Name:         "element-keys-join-the-group",
			Description:  "who comes to an ENRP door with an element's key is taken for a registrar",
			Requirements: []string{"T2.6-R6"},
			apply: func(c *registrar.Config) {
				next := c.Defences.Admission
				c.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
					p := next.Admit(o, keys)
					if o.Protocol == wire.ENRP && p.Role == registrar.RolePE {
						p.Role, p.Grant = registrar.RoleRegistrar, registrar.Grant{Role: registrar.RoleRegistrar}
					}
					return p
				})
				posing := func(q *registrar.Query) bool {
					return q.Principal.Role == registrar.RoleRegistrar && q.Message.Protocol() == wire.ENRP
				}
				permit(c, posing)
				c.Defences.Pool = except(c.Defences.Pool, posing)
			},
		},
		{
			Name:         "element-keys-update",
			Description:  "updates of the handlespace are taken at an ENRP door from who has an element's key",
			Requirements: []string{"T2.6-R6"},
			apply: func(c *registrar.Config) {
				updating := func(q *registrar.Query) bool {
					_, update := q.Message.(*wire.HandleUpdate)
					return update && q.Principal.Role == registrar.RolePE
				}
				permit(c, updating)
				c.Defences.Pool = except(c.Defences.Pool, updating)
			},
		},
		{
			Name:         "trust-datagrams",
			Description:  "a registrar that announces its presence in a datagram is put on the peer list",
			Requirements: []string{"T2.12-R1", "T2.15-R5"},
			apply:        func(c *registrar.Config) { c.TrustDatagrams = true },
		},
		{
			Name:         "trust-announcements",
			Description:  "a registrar that is announced to the multicast group is put on the peer list",
			Requirements: []string{"T2.12-R1", "T2.15-R5"},
			apply:        func(c *registrar.Config) { c.TrustAnnouncements = true },
		},
		{
			Name:         "forget-configured-peers",
			Description:  "the registrar calls none of the peers that it is configured with, and waits to hear of some",
			Requirements: []string{"T2.12-R1"},
			Disables:     true,
			apply:        func(c *registrar.Config) { c.Peers = nil },
		},
		{
			Name:         "no-certificate",
			Description:  "the registrar has no certificate, so that pool users cannot come over TLS",
			Requirements: []string{"T2.7-R2", "T2.7-R3"},
			Disables:     true,
			apply:        func(c *registrar.Config) { c.Certificates = nil },
		},
		{
			Name:         "certificate-of-another-authority",
			Description:  "the registrar shows a certificate that an authority of its own has signed",
			Requirements: []string{"T2.7-R3"},
			Disables:     true,
			apply: func(c *registrar.Config) {
				another, err := NewAuthority("another authority")
				if err != nil {
					return // without randomness there is no fault, and the proof says so
				}
				if own, err := another.Server(embeddedServerName); err == nil {
					c.Certificates = &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
				}
			},
		},
	}
}

// remembered is a Keyring that never forgets an identity of one role.
type remembered struct {
	registrar.Keyring
	old map[string]registrar.Identity
}

func remember(k registrar.Keyring, role registrar.Role) registrar.Keyring {
	keys, ok := k.(*registrar.Keys)
	if !ok {
		return k
	}
	r := remembered{k, make(map[string]registrar.Identity)}
	for _, name := range keys.Names() {
		if grant, ok := keys.Grant(name); ok && grant.Role == role {
			r.old[name] = registrar.Identity{Name: name, Key: keys.Key(name), Grant: grant}
		}
	}
	return r
}

// grantOnly takes grants from one Keyring, and keys from another.
type grantOnly struct {
	registrar.Keyring
	keys registrar.Keyring
}

// Key returns the key of identity.
func (g grantOnly) Key(identity string) []byte { return g.keys.Key(identity) }

// Key returns the key of identity, withdrawn or not.
func (r remembered) Key(identity string) []byte {
	if i, ok := r.old[identity]; ok {
		return append([]byte(nil), i.Key...)
	}
	return r.Keyring.Key(identity)
}

// Grant returns what identity was authorised for.
func (r remembered) Grant(identity string) (registrar.Grant, bool) {
	if i, ok := r.old[identity]; ok {
		return i.Grant, true
	}
	return r.Keyring.Grant(identity)
}
