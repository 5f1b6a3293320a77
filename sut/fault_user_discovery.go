// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// userDiscoveryFaults are about registrars that are announced.
func userDiscoveryFaults() []Fault {
	return []Fault{
		{
			Name:         "user-trust-announced",
			Description:  "whoever is announced is believed, whatever certificate it shows",
			Requirements: []string{"T2.12-R1"},
			user: func(c *pooluser.Config) {
				c.Defences.Authentication = admitEverybody{required: true}
				forAnnounced(c, func(ctx context.Context, t pooluser.Target, dial pooluser.DialFunc) (association.Association, error) {
					t.TLS = t.TLS.Clone()
					t.TLS.Certificates = t.TLS.Certificates.Clone()
					t.TLS.Certificates.InsecureSkipVerify, t.TLS.Certificates.VerifyConnection = true, nil
					return dial(ctx, t)
				})
			},
		},
		{
			Name:         "user-ask-announced-in-clear",
			Description:  "a registrar that is announced and has no TLS is asked without",
			Requirements: []string{"T2.12-R1", "T2.12-R2", "T2.12-R3"},
			user: func(c *pooluser.Config) {
				c.Defences.Authentication = admitEverybody{required: true}
				forAnnounced(c, func(ctx context.Context, t pooluser.Target, dial pooluser.DialFunc) (association.Association, error) {
					a, err := dial(ctx, t)
					if err == nil || ctx.Err() != nil {
						return a, err
					}
					t.TLS = nil
					return dial(ctx, t)
				})
			},
		},
		{
			Name:         "user-remember-few-announcements",
			Description:  "the first four registrars that are announced are remembered, and no others",
			Requirements: []string{"T2.12-R1"},
			user: func(c *pooluser.Config) {
				const few = 4
				c.Defences.Announcement = pooluser.AnnouncementFunc(func(known []pooluser.Announced, _ pooluser.Announced, _ pooluser.Limits) (int, bool) {
					return -1, len(known) < few
				})
			},
		},
	}
}

// forAnnounced replaces how registrars are dialled that the user was not told of.
func forAnnounced(c *pooluser.Config, with func(context.Context, pooluser.Target, pooluser.DialFunc) (association.Association, error)) {
	dial, told := c.Dial, slices.Clone(c.Servers)
	c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
		known := slices.ContainsFunc(told, func(s pooluser.Server) bool { return s.Addr == t.Addr })
		if known || !towardsRegistrar(&t) || t.TLS == nil || t.TLS.Certificates == nil {
			return dial(ctx, t)
		}
		return with(ctx, t, dial)
	}
}
