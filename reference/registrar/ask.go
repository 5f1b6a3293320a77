// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Why a peer's answer did not come or did not help.
var (
	errNoResponse = errors.New("no response within MAX-TIME-NO-RESPONSE")
	errEnded      = errors.New("the association has ended")
	errBusy       = errors.New("another request is under way")
	errRejected   = errors.New("rejected")
)

// ask sends a request and waits MAX-TIME-NO-RESPONSE for a message of the wanted type.
func (r *Registrar) ask(ctx context.Context, s *session, m wire.Message, want uint8) (wire.Message, error) {
	answer := make(chan wire.Message, 1)
	if err := r.request(s, m, want, answer); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name(), err)
	}
	defer r.unrequest(s, want, answer)
	timeout := time.NewTimer(r.cfg.Timers.MaxTimeNoResponse)
	defer timeout.Stop()
	select {
	case a := <-answer:
		if e, refused := a.(*wire.ENRPError); refused {
			return nil, fmt.Errorf("%s: %w: causes %v", m.Name(), errRejected, e.Causes)
		}
		return a, nil
	case <-timeout.C:
		return nil, fmt.Errorf("%s: %w", m.Name(), errNoResponse)
	case <-s.ended:
		return nil, fmt.Errorf("%s: %w", m.Name(), errEnded)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", m.Name(), ctx.Err())
	}
}

func (r *Registrar) request(s *session, m wire.Message, want uint8, answer chan<- wire.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.closed:
		return errEnded
	case s.answers[want] != nil:
		return errBusy
	}
	s.answers[want] = answer
	s.send(m)
	return nil
}

func (r *Registrar) unrequest(s *session, want uint8, answer chan<- wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.answers[want] == answer {
		delete(s.answers, want)
	}
}

// answered hands a response to whoever waits for it. What nobody asked for is ignored: with
// it a peer could fill our handlespace as it likes.
func (r *Registrar) answered(s *session, m wire.Message) {
	answer := s.answers[m.Type()]
	if answer == nil {
		r.log.Warn("response that nobody asked for ignored", "message", m.Name(), "peer", s.peer.String())
		return
	}
	delete(s.answers, m.Type())
	answer <- wire.Clone(m) // the decoder takes the message back
}

// enrpError ends the requests that are under way: the peer does not say which it means.
func (r *Registrar) enrpError(s *session, m *wire.ENRPError) {
	r.log.Warn("error reported by peer", "peer", s.peer.String(), "causes", m.Causes)
	for want, answer := range s.answers {
		delete(s.answers, want)
		answer <- wire.Clone(m)
	}
}
