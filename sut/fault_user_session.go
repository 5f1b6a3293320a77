// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
)

// userSessionFaults are about sessions with elements.
func userSessionFaults() []Fault {
	return []Fault{
		{
			Name:         "user-fail-over-in-silence",
			Description:  "the application is not told of a failover",
			Requirements: []string{"T2.9-R1"},
			user:         func(c *pooluser.Config) { c.Defences.Notice = silence },
		},
		{
			Name:         "user-step-down",
			Description:  "where the next element has no TLS, a session goes on in clear",
			Requirements: []string{"T3-R11"},
			user:         stepDown,
		},
		{
			Name:         "user-step-down-in-silence",
			Description:  "where the next element has no TLS, a session goes on in clear, and the application is not told",
			Requirements: []string{"T2.9-R1", "T3-R6", "T3-R11"},
			user: func(c *pooluser.Config) {
				stepDown(c)
				c.Defences.Notice = silence
			},
		},
		{
			Name:        "user-choose-for-itself",
			Description: "the user takes the element that it likes, whatever the policy of the pool",
			Informs:     []string{"T2.17-R1"},
			user:        func(c *pooluser.Config) { c.ProveSelection, c.Rand = false, always{} },
		},
		{
			Name:         "user-separate-control-channel",
			Description:  "cookies are echoed over a connection of their own",
			Requirements: []string{"T2.16-R1"},
			user:         func(c *pooluser.Config) { c.Defences.Cookie = besideData(true) },
		},
		{
			Name:         "user-cookie-in-clear",
			Description:  "cookies are echoed over a connection in clear, beside data over TLS",
			Requirements: []string{"T2.16-R1", "T2.16-R2"},
			user:         func(c *pooluser.Config) { c.Defences.Cookie = besideData(false) },
		},
	}
}

// always is a source of choices that are no choices.
type always struct{}

func (always) Uint64() uint64 { return 0 }

// silence lets a failover go on without a notice.
var silence = pooluser.NoticeFunc(func(context.Context, pooluser.Failover, func(context.Context, pooluser.Failover) error) error {
	return nil
})

// stepDown takes elements that are weaker than those before.
func stepDown(c *pooluser.Config) {
	if c.Elements.Security == pooluser.ElementsSecured {
		c.Elements.Security = pooluser.ElementsPreferred
	}
	c.Defences.Strength = pooluser.StrengthFunc(func(_, _ pooluser.SecurityContext) error { return nil })
}

// besideData opens another channel for the cookie.
func besideData(secured bool) pooluser.CookiePath {
	return pooluser.CookiePathFunc(func(ctx context.Context, _ *channel.Channel, open func(context.Context, bool) (*channel.Channel, error)) (*channel.Channel, error) {
		return open(ctx, secured)
	})
}
