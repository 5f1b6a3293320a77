// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementCookieFaults are about cookies (draft section 2.16).
func elementCookieFaults() []Fault {
	return []Fault{
		{
			Name:         "open-control-connection",
			Description:  "an element sends cookies over a second connection, which is as secured as that of the data",
			Requirements: []string{"T2.16-R1"},
			service: func(a association.Association) association.Association {
				return &splitControl{Association: a, secured: a.Info().Secured}
			},
		},
		{
			Name:         "open-clear-control-connection",
			Description:  "an element sends cookies over a second connection, in clear whatever the data go over",
			Requirements: []string{"T2.16-R1", "T2.16-R2"},
			service: func(a association.Association) association.Association {
				return &splitControl{Association: a}
			},
		},
		{
			Name:        "believe-any-cookie",
			Description: "an element believes every cookie that can be read, whoever made it for whom",
			Informs:     []string{"T2.16-R3"},
			element: func(c *poolelement.Config) {
				c.Defences.Cookie = poolelement.CookieVerifierFunc(
					func(_ *poolelement.Cookies, _ time.Time, _ wire.PoolHandle, _ string, cookie []byte) ([]byte, error) {
						return append([]byte{}, poolelement.CookieState(cookie)...), nil
					})
			},
		},
	}
}

// splitControl is an association with a pool user from which cookies go another way: to the
// ports of ASAP at the user's address.
type splitControl struct {
	association.Association
	secured bool
}

// Send sends m, or a cookie over a connection of its own.
func (s *splitControl) Send(ctx context.Context, m association.Message) error {
	if len(m.Payload) == 0 || m.Payload[0] != wire.TypeCookie {
		return s.Association.Send(ctx, m)
	}
	d := association.Dialer{Transport: association.TCP, Local: s.Info().Local.Addr(), PPID: wire.PPIDASAP}
	port := uint16(wire.PortASAP)
	if s.secured {
		d.TLS, port = anyCertificate(), wire.PortASAPTLS
	}
	ctx, cancel := context.WithTimeout(ctx, faultyDial)
	defer cancel()
	control, err := d.Dial(ctx, netip.AddrPortFrom(s.Info().Remote.Addr(), port))
	if err != nil {
		return nil // a user that does not listen there gets no cookies
	}
	if err := control.Send(ctx, m); err != nil {
		return control.Abort("the cookie could not be sent")
	}
	return control.Close(ctx)
}
