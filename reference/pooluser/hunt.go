// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrNoRegistrar: no registrar could be reached that authenticates itself. It is
// wrapped together with the failure of the last one tried.
var ErrNoRegistrar = errors.New("pooluser: no registrar")

// obtain returns the home registrar, after a hunt if there is none.
func (u *User) obtain(ctx context.Context) (*home, error) {
	for {
		u.mu.Lock()
		if u.closed {
			u.mu.Unlock()
			return nil, ErrClosed
		}
		if h := u.home; h != nil {
			u.mu.Unlock()
			return h, nil
		}
		f := u.join()
		u.mu.Unlock()
		select {
		case <-f.done:
			u.leave(f)
		case <-ctx.Done():
			u.mu.Lock()
			last := u.servers.lastFailure
			u.mu.Unlock()
			u.leave(f)
			return nil, errors.Join(ErrNoRegistrar, context.Cause(ctx), last)
		}
	}
}

// join begins a hunt or waits for the one under way. The caller holds u.mu and
// must call leave.
func (u *User) join() *flight {
	if !u.hunt.over() {
		u.hunt.waiters++
		return u.hunt
	}
	u.stats.Hunts++
	u.hunt = u.fly(func(ctx context.Context, f *flight) {
		u.hunting(ctx)
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.hunt == f {
			u.hunt = nil
		}
	})
	return u.hunt
}

// hunting is the server hunt of RFC 5352 section 3.6. It returns when there is a
// new home registrar or ctx has ended. The one that was given up last has a rest
// in the first cycle: the new one is to be "a different ENRP server".
func (u *User) hunting(ctx context.Context) {
	u.mu.Lock()
	rest := u.abandoned
	u.abandoned = nil
	u.mu.Unlock()
	for t5 := u.cfg.Timers.Hunt; ctx.Err() == nil; t5 = min(2*t5, u.cfg.Timers.HuntMax) { // SH5.1
		cycle, cancel := context.WithTimeout(ctx, t5) // SH2
		h := u.try(cycle, rest)
		cancel()
		rest = nil
		if h != nil {
			u.adopt(h)
			return
		}
	}
}

// attempt is the outcome of one set-up.
type attempt struct {
	candidate *candidate
	assoc     association.Association
	err       error
}

// try sets up associations with up to three registrars at once (SH1), and with
// others as those fail (SH4), until one is established or ctx ends. rest is tried
// only when nothing else is left; nil stands for none.
func (u *User) try(ctx context.Context, rest *candidate) *home {
	t5 := ctx
	ctx, stop := context.WithCancel(t5)
	results := make(chan attempt)
	running := 0
	var found *home
	defer func() {
		stop()
		if found == nil { // they count among the three until they have ended (SH5.2)
			u.discard(results, running, errors.Is(t5.Err(), context.DeadlineExceeded))
			return
		}
		rest := running
		u.wg.Go(func() { u.discard(results, rest, false) })
	}()
	tried := make(map[serverKey]bool)
	if rest != nil {
		tried[rest.Server.key()] = true
	}
	for {
		var changed chan struct{}
		for {
			c, more := u.candidate(tried, running)
			if changed = more; c == nil && running == 0 {
				c, rest = rest, nil
			}
			if c == nil {
				break
			}
			running++
			u.wg.Go(func() {
				a, err := u.setUp(ctx, c)
				results <- attempt{c, a, err}
			})
		}
		select {
		case r := <-results:
			running--
			if r.err == nil {
				found = &home{candidate: r.candidate, assoc: r.assoc}
				return found
			}
			u.failed(ctx, r)
		case <-changed: // a registrar has been announced
		case <-ctx.Done(): // SH5: T5-Serverhunt
			return nil
		}
	}
}

// candidate returns what to try next, nil when there is nothing or the limit on
// associations is reached, and a channel that is closed when there may be more.
func (u *User) candidate(tried map[serverKey]bool, running int) (*candidate, chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.home != nil {
		tried[u.home.candidate.Server.key()] = true // it does not answer: look for another one
		running++
	}
	if running >= u.cfg.Limits.Associations {
		return nil, nil
	}
	c := u.servers.next(time.Now(), tried)
	if c != nil {
		tried[c.Server.key()] = true
	}
	return c, u.servers.changed
}

// discard takes the outcome of the attempts that are no longer wanted. Those cut
// off by T5 are to blame, those cut off because nobody needs them any more are not.
func (u *User) discard(results <-chan attempt, n int, blame bool) {
	for range n {
		switch r := <-results; {
		case r.err == nil:
			u.part(r.assoc)
		case blame:
			u.failed(u.ctx, r)
		}
	}
}

// failed remembers a failed attempt.
func (u *User) failed(ctx context.Context, r attempt) {
	u.mu.Lock()
	r.candidate.Failures++
	u.servers.lastFailure = r.err
	u.stats.RegistrarsRefused++
	u.mu.Unlock()
	if ctx.Err() == nil {
		// RFC 5352 section 9.2: automated clients log that the identity is suspect.
		u.log.Warn("registrar refused", "server", r.candidate.Server.String(), "error", r.err)
	}
}

// setUp establishes an association with a registrar and admits it, or not.
func (u *User) setUp(ctx context.Context, c *candidate) (association.Association, error) {
	s := c.Server
	t := Target{Transport: s.Transport, Addr: s.Addr, UDPPort: s.UDPPort, PPID: wire.PPIDASAP}
	if u.cfg.Defences.Authentication.Required(s, u.cfg.Mode) {
		if err := u.secure(c, &t); err != nil {
			return nil, fmt.Errorf("registrar %s: %w", s, err)
		}
	}
	a, err := u.cfg.Dial(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("registrar %s: %w", s, err)
	}
	if err := u.admit(s, a.Info()); err != nil {
		_ = a.Abort("not authenticated") // it is of no use, whatever becomes of it
		return nil, err
	}
	return a, nil
}

// admit asks the defence. Who is known to have passed an incomplete set of
// certificate checks (which only faults have) appears anonymous, since the TLS
// layer cannot vouch for it.
func (u *User) admit(s Server, info association.Info) error {
	if info.Secured && !u.cfg.Credentials.psk() && u.cfg.Defences.Certificate != AllCertificateChecks {
		return nil
	}
	return u.cfg.Defences.Authentication.Admit(s, u.cfg.Mode, info)
}

// secure adds the TLS configuration, which is kept for the next attempt.
func (u *User) secure(c *candidate, t *Target) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.tls == nil {
		name := c.Server.Name
		if name == "" {
			name = c.Server.Addr.Addr().String()
		}
		cfg, err := u.cfg.Credentials.config(name, u.cfg.Defences.Certificate, c.Server.Transport.IsSCTP())
		if err != nil {
			return err
		}
		c.tls = cfg
	}
	t.TLS = c.tls
	return nil
}
