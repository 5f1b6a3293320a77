// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// claimedHost is where elements are that have become ours without having come to us.
type claimedHost struct {
	addr  netip.AddrPort
	owner string // the identity that registered them, "" when it is not known here
}

// claim tells elements that this registrar is their home now (RFC 5353 section 3.5.2 step
// 2): one association for each host, Limits.Claims hosts at once, and the keep-alives apart
// by Timers.ClaimSpacing.
func (r *Registrar) claim(elements []handlespace.Element) {
	hosts := make(map[claimedHost][]handlespace.Element)
	for _, e := range elements {
		key := elementKey{e.Handle, e.PE.ID}
		l := r.live[key]
		if l != nil && l.session != nil {
			continue
		}
		if l == nil {
			l = &liveness{key: key}
			r.live[key] = l
		}
		if !e.PE.HasASAP || e.PE.ASAP.Kind != wire.TransportSCTP || len(e.PE.ASAP.Addrs) == 0 {
			r.arm(l, watchOrphaned, r.cfg.Timers.KeepAliveTimeout) // it can only come by itself
			continue
		}
		l.state, l.newHome = watchClaimed, true
		host := claimedHost{netip.AddrPortFrom(e.PE.ASAP.Addrs[0].Unmap(), e.PE.ASAP.Port), e.Owner}
		hosts[host] = append(hosts[host], e)
	}
	for host, list := range hosts {
		r.wg.Go(func() { r.claimHost(r.ctx, host, list) })
	}
}

// claimAttempts is how often the host of elements that live, as far as anybody knows, is dialed
// before they are given up. Each attempt has MAX-TIME-NO-RESPONSE, in which an INIT is repeated
// twice at most: on a path that loses one packet in twenty, one host in a hundred would go.
const claimAttempts = 3

// stillClaims tells whether any of the elements has neither come by itself nor moved on.
func (r *Registrar) stillClaims(elements []handlespace.Element) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range elements {
		if l := r.live[elementKey{e.Handle, e.PE.ID}]; l != nil && l.state == watchClaimed {
			return true
		}
	}
	return false
}

func (r *Registrar) claimHost(ctx context.Context, host claimedHost, elements []handlespace.Element) {
	select {
	case r.claiming <- struct{}{}:
		defer func() { <-r.claiming }()
	case <-ctx.Done():
		return
	}
	d := Destination{Protocol: wire.ASAP, Transport: r.cfg.transport(), Addr: host.addr, Credential: r.cfg.Credential}
	if f := r.cfg.ElementCredential; f != nil {
		d.Credential = nil
		if c, ok := f(elements[0]); ok {
			d.Credential = &c
		}
	}
	var s *session
	var err error
	for range claimAttempts {
		if s, err = r.connect(ctx, d, r.claimed(host, elements), func(*session) {}); err == nil || ctx.Err() != nil || !r.stillClaims(elements) {
			break
		}
	}
	if err != nil {
		r.log.Warn("elements not reached after a takeover", "host", host.addr, "elements", len(elements), "error", err)
	}
	for _, e := range elements {
		if r.claimElement(elementKey{e.Handle, e.PE.ID}, s) && !pause(ctx, r.cfg.Timers.ClaimSpacing) {
			return
		}
	}
}

// claimed says what a host may do: it is an element of the pools that it was dialed for.
func (r *Registrar) claimed(host claimedHost, elements []handlespace.Element) Dialed {
	d := Dialed{Role: RolePE, Name: host.owner, Grant: Grant{Role: RolePE}}
	for _, e := range elements {
		d.Grant.Pools = append(d.Grant.Pools, e.Handle)
	}
	return d
}

// claimElement sends the keep-alive with H=1, unless the element has come by itself or has
// moved on, and tells whether it did. One that cannot be reached gets as long to come back
// as one that lost its association.
func (r *Registrar) claimElement(key elementKey, s *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.live[key]
	if r.closed || l == nil || l.state != watchClaimed {
		return false
	}
	if s == nil || s.closed {
		r.arm(l, watchOrphaned, r.cfg.Timers.KeepAliveTimeout)
		return false
	}
	l.session = s
	s.serves[l] = struct{}{}
	r.keepAlive(l, time.Now())
	return true
}
