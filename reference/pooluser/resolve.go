// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Errors of Resolve and Open.
var (
	// ErrUnknownPool: the registrar knows no such pool.
	ErrUnknownPool = errors.New("pooluser: unknown pool handle")
	// ErrRefused: the registrar refused for another reason, which is part of the text.
	ErrRefused = errors.New("pooluser: resolution refused")
	// ErrNoResponse: no registrar answered, MAX-REQUEST-RETRANSMIT (RFC 5352
	// section 3.7.2, Error.Report).
	ErrNoResponse = errors.New("pooluser: no response from a registrar")
)

// Resolution is what a registrar said about a pool. It belongs to the caller.
type Resolution struct {
	Policy   wire.Policy
	Elements []wire.PoolElement
	Server   Server    // who said it
	Fetched  time.Time // when
	Cached   bool      // it was not asked for now
	// Evidence is about elements that the registrar showed otherwise than they signed. They are
	// not in Elements.
	Evidence []PolicyEvidence
}

// Resolve returns the elements of a pool and its policy (RFC 5352 section 3.3 and
// Translation.Request, 6.9.1), from the cache if that is not stale. It waits for
// a registrar until ctx ends.
func (u *User) Resolve(ctx context.Context, pool string) (Resolution, error) {
	e, hit, err := u.lookUp(ctx, pool, false)
	if err != nil {
		return Resolution{}, err
	}
	// Elements of an entry never change, so this needs no lock.
	r := Resolution{Policy: e.policy, Server: e.server, Fetched: e.fetched, Cached: hit, Elements: slices.Clone(e.elements), Evidence: slices.Clone(e.evidence)}
	r.Policy.Data = bytes.Clone(r.Policy.Data)
	for i := range r.Elements {
		p := &r.Elements[i]
		p.User.Addrs, p.ASAP.Addrs = slices.Clone(p.User.Addrs), slices.Clone(p.ASAP.Addrs)
		p.User.Opaque, p.Policy.Data = bytes.Clone(p.User.Opaque), bytes.Clone(p.Policy.Data)
		p.SignedPolicy = bytes.Clone(p.SignedPolicy)
	}
	return r, nil
}

// lookUp returns the entry of a pool, and whether it came from the cache. Several
// callers wait for one request.
func (u *User) lookUp(ctx context.Context, pool string, fresh bool) (*entry, bool, error) {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return nil, false, ErrClosed
	}
	if e := u.cached(pool, time.Now()); e != nil && !fresh {
		u.stats.CacheHits++
		u.mu.Unlock()
		return e, true, nil
	}
	f := u.requests[pool]
	if f.over() {
		f = u.fly(func(ctx context.Context, f *flight) { u.resolving(ctx, pool, f) })
		u.requests[pool] = f
	} else {
		f.waiters++
	}
	u.mu.Unlock()
	defer u.leave(f)
	select {
	case <-f.done:
		return f.resolution, false, f.err
	case <-ctx.Done():
		u.mu.Lock()
		last := u.servers.lastFailure
		if u.home != nil {
			last = nil
		}
		u.mu.Unlock()
		return nil, false, errors.Join(fmt.Errorf("pooluser: resolve %q: %w", pool, context.Cause(ctx)), last)
	}
}

// resolving is one request with its repetitions.
func (u *User) resolving(ctx context.Context, pool string, f *flight) {
	r := &request{u: u, answer: f.answer}
	a, server, err := r.run(ctx, pool)
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.requests[pool] == f {
		delete(u.requests, pool)
	}
	if err == nil {
		err = negative(a.response)
	}
	if err != nil {
		f.err = fmt.Errorf("pooluser: resolve %q: %w", pool, err)
		if a != nil {
			delete(u.cache, pool)
		}
		return
	}
	f.resolution = u.newEntry(a, server, now)
	u.keep(pool, f.resolution)
}

// negative returns the error that a negative response stands for.
func negative(m *wire.HandleResolutionResponse) error {
	switch {
	case len(m.Causes) == 0 && len(m.Elements) > 0:
		return nil
	case slices.ContainsFunc(m.Causes, func(c wire.Cause) bool { return c.Code == wire.CauseUnknownPoolHandle }):
		return ErrUnknownPool
	}
	return fmt.Errorf("%w: %s", ErrRefused, causes(m.Causes))
}

// causes lists error causes for people.
func causes(list []wire.Cause) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Code.String()
	}
	return strings.Join(names, ", ")
}

// request is one handle resolution under way.
type request struct {
	u       *User
	message []byte
	answer  <-chan *wire.HandleResolutionResponse
	hunt    *flight // the hunt that goes on beside the request after T1, nil before
}

// run sends the request until it is answered (RFC 5352 sections 3.3 and 3.7).
func (r *request) run(ctx context.Context, pool string) (*answer, Server, error) {
	u := r.u
	m := wire.HandleResolution{PoolHandle: wire.PoolHandle(pool)}
	var err error
	if r.message, err = m.Append(nil, &u.cfg.Wire); err != nil {
		return nil, Server{}, err
	}
	defer r.endHunt()
	// A registrar that breaks off is replaced, but hostile ones must not keep us
	// asking for ever: every registrar there is gets its chance, and some of them two.
	u.mu.Lock()
	homes := u.cfg.Limits.Retransmits + len(u.servers.list) + 1
	u.mu.Unlock()
	var last *home
	for expired := 0; ; {
		h, err := u.obtain(ctx)
		if err != nil {
			return nil, Server{}, err
		}
		if h != last {
			last = h
			homes--
		}
		response, err := r.ask(ctx, h)
		var a *answer
		if response != nil {
			a, err = u.judge(response, h)
		}
		switch {
		case response != nil && err == nil:
			return a, h.candidate.Server, nil
		case errors.Is(err, errT1):
			if expired++; expired > u.cfg.Limits.Retransmits {
				u.abandon(h, err)
				return nil, Server{}, fmt.Errorf("%w: %d requests", ErrNoResponse, expired)
			}
			u.count(func(s *Stats) { s.Repetitions++ })
			r.beginHunt()
		case ctx.Err() != nil:
			return nil, Server{}, context.Cause(ctx)
		case err != nil:
			u.abandon(h, err)
			if homes <= 0 && errors.Is(err, ErrPolicy) {
				return a, Server{}, err
			}
			if homes <= 0 {
				return nil, Server{}, fmt.Errorf("%w: %w", ErrNoResponse, err)
			}
		}
	}
}

// answer is a response with what was found out about it.
type answer struct {
	response *wire.HandleResolutionResponse
	evidence []PolicyEvidence
	provable *provable
}

// judge looks into a response. ErrPolicy means that nothing is left of it, and that another
// registrar should be asked.
func (u *User) judge(m *wire.HandleResolutionResponse, h *home) (*answer, error) {
	a := &answer{response: m}
	if negative(m) != nil {
		return a, nil
	}
	a.provable = u.provableOf(m)
	if a.evidence = u.vet(m, h); len(m.Elements) == 0 {
		return a, fmt.Errorf("%w: %s", ErrPolicy, a.evidence[0])
	}
	return a, nil
}

// What ask returns when T1-ENRPrequest expires, or when h is gone.
var (
	errT1   = errors.New("T1-ENRPrequest expired")
	errLost = errors.New("the association ended before an answer")
)

// ask sends the request to h and waits for T1. It returns nothing at all when
// another home registrar was adopted meanwhile, to which the request has to go.
func (r *request) ask(ctx context.Context, h *home) (*wire.HandleResolutionResponse, error) {
	u := r.u
	u.mu.Lock()
	moved, current := u.moved, u.home == h
	u.mu.Unlock()
	if !current {
		return nil, errLost
	}
	u.count(func(s *Stats) { s.Requests++ })
	t1, cancel := context.WithTimeoutCause(ctx, u.cfg.Timers.Request, errT1)
	defer cancel()
	if err := h.assoc.Send(t1, association.Message{Payload: r.message, PPID: wire.PPIDASAP}); err != nil {
		return nil, err
	}
	select {
	case answer := <-r.answer:
		return answer, nil
	case <-moved:
		select {
		case answer := <-r.answer: // it answered before it was given up
			return answer, nil
		default:
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.home == nil {
			return nil, errLost
		}
		return nil, nil
	case <-t1.Done():
		return nil, context.Cause(t1)
	}
}

// beginHunt looks for another registrar while the present one is asked again
// (RFC 5352 section 3.7.2).
func (r *request) beginHunt() {
	if r.hunt != nil {
		select {
		case <-r.hunt.done: // it found one, and that does not answer either
			r.endHunt()
		default:
			return
		}
	}
	r.u.mu.Lock()
	defer r.u.mu.Unlock()
	r.hunt = r.u.join()
}

func (r *request) endHunt() {
	if r.hunt != nil {
		r.u.leave(r.hunt)
		r.hunt = nil
	}
}
