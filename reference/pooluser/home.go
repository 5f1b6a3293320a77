// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// home is an association with the home registrar. It has been admitted.
type home struct {
	candidate *candidate
	assoc     association.Association
}

// farewell bounds a graceful end that nobody waits for.
const farewell = 5 * time.Second

// adopt makes h the home registrar (SH6) and closes the previous one.
func (u *User) adopt(h *home) {
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		_ = h.assoc.Abort("closing") // nobody has used it
		return
	}
	previous := u.home
	u.home = h
	h.candidate.Failures, h.candidate.Proven = 0, true
	u.announceMove()
	reports := u.waiting
	u.waiting = nil
	u.wg.Go(func() { u.serve(h) })
	u.mu.Unlock()
	u.log.Info("home registrar", "server", h.candidate.Server.String(), "identity", h.assoc.Info().Identity.String())
	if previous != nil {
		u.part(previous.assoc)
	}
	for i := range reports {
		u.sendReport(h, reports[i])
	}
}

// announceMove wakes who waits for another home. The caller holds u.mu.
func (u *User) announceMove() {
	close(u.moved)
	u.moved = make(chan struct{})
}

// part ends an association gracefully, beside what goes on.
func (u *User) part(a association.Association) {
	u.wg.Go(func() {
		ctx, cancel := context.WithTimeout(u.ctx, farewell)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			_ = a.Abort("closing") // it did not end gracefully in time
		}
	})
}

// abandon gives h up after a failure, so that the next request hunts for
// another registrar.
func (u *User) abandon(h *home, reason error) {
	u.mu.Lock()
	current := u.home == h
	if current {
		u.home, u.abandoned = nil, h.candidate
		u.announceMove()
	}
	u.mu.Unlock()
	if current {
		u.log.Warn("home registrar given up", "server", h.candidate.Server.String(), "reason", reason)
	}
	_ = h.assoc.Abort("given up") // it is of no use, whatever becomes of it
}

// serve reads what the home registrar sends until the association ends.
func (u *User) serve(h *home) {
	for {
		m, err := h.assoc.Receive(u.ctx)
		if err != nil {
			if u.ctx.Err() == nil && !errors.Is(err, association.ErrClosed) {
				u.abandon(h, ended(err))
			}
			_ = h.assoc.Abort("ended") // after an end by the peer this only frees what is left
			return
		}
		if m.PPID != wire.PPIDASAP {
			u.count(func(s *Stats) { s.Unexpected++ })
			continue
		}
		message, err := wire.Decode(wire.ASAP, m.Payload, &u.cfg.Wire)
		if err != nil && !channel.Unknown(err) {
			u.count(func(s *Stats) { s.Malformed++ })
			u.abandon(h, err)
			return
		}
		if report := channel.Report(message, err); report != nil {
			u.tell(h, report)
		}
		if err == nil {
			u.heard(h, message)
		}
	}
}

// ended names a graceful end, which is io.EOF.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return errGraceful
	}
	return err
}

var errGraceful = errors.New("it ended the association")

// heard takes a message of the home registrar. A pool user expects responses
// only; what else a registrar may send is for pool elements.
func (u *User) heard(h *home, m wire.Message) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch m := m.(type) {
	case *wire.HandleResolutionResponse:
		f := u.requests[string(m.PoolHandle)]
		if f.over() || u.home != h {
			u.stats.Unexpected++
			return
		}
		select {
		case f.answer <- m:
		default:
			u.stats.Unexpected++ // the answer to a repeated request
		}
	case *wire.ASAPError:
		u.log.Warn("error from registrar", "server", h.candidate.Server.String(), "causes", causes(m.Causes))
	default:
		u.stats.Unexpected++
		u.log.Debug("message ignored", "message", m.Name(), "server", h.candidate.Server.String())
	}
}

// tell sends a message to which no answer is expected.
func (u *User) tell(h *home, m wire.Message) {
	b, err := m.Append(nil, &u.cfg.Wire)
	if err != nil {
		u.log.Error("message cannot be encoded", "message", m.Name(), "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(u.ctx, u.cfg.Timers.Request)
	defer cancel()
	if err := h.assoc.Send(ctx, association.Message{Payload: b, PPID: wire.PPIDASAP}); err != nil {
		u.abandon(h, err)
	}
}
