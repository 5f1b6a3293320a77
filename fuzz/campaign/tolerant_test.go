// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// tolerant is a registrar that is no more than what fuzzing needs: it answers resolutions and
// registrations, passes over what it does not understand, and keeps the association. It shows
// what the fuzzer does where the target allows it.
type tolerant struct {
	transport association.Transport
	listener  association.Listener
	stack     *association.Stack
	cancel    context.CancelFunc
	wg        sync.WaitGroup

	// turn is how it behaves once it has got an ASAP_COOKIE: "" as before.
	turn     string
	turned   atomic.Bool
	response time.Duration // that it has for an answer; 0: five seconds
	starts   int
	mute     atomic.Int64 // of turn "once": until when it is silent, in nanoseconds; it is so once

	mu       sync.Mutex
	elements map[wire.PEID]wire.PoolElement
}

func (t *tolerant) Start(ctx context.Context) (*link.System, error) {
	if err := t.Close(ctx); err != nil {
		return nil, err
	}
	if t.starts++; t.turn == "gone" && t.starts > 1 {
		return nil, errGone
	}
	t.turned.Store(false)
	t.elements = map[wire.PEID]wire.PoolElement{}
	at := netip.AddrFrom4([4]byte{127, 93, byte(time.Now().UnixNano()), byte(1 + time.Now().UnixNano()>>8%200)})
	c := association.ListenConfig{Transport: t.transport, Addr: netip.AddrPortFrom(at, 0), PPID: wire.PPIDASAP}
	var err error
	if t.transport.IsSCTP() {
		if t.stack, err = association.NewStack(association.StackConfig{Local: at, Transport: t.transport}); err != nil {
			return nil, err
		}
		c.Stack = t.stack
	}
	if t.listener, err = association.Listen(ctx, c); err != nil {
		return nil, err
	}
	var serving context.Context
	serving, t.cancel = context.WithCancel(context.Background())
	t.wg.Go(func() { t.accept(serving) })
	response := t.response
	if response == 0 {
		response = 5 * time.Second
	}
	return &link.System{
		Doors: []sut.Door{{Protocol: wire.ASAP, Transport: t.transport, Addr: t.listener.Addr()}},
		Pool:  "EchoPool", Wire: wire.Strict(), Response: response, Removal: time.Hour,
	}, nil
}

func (t *tolerant) accept(ctx context.Context) {
	for {
		a, err := t.listener.Accept(ctx)
		if err != nil {
			return
		}
		t.wg.Go(func() {
			defer a.Abort("done")
			for {
				m, err := a.Receive(ctx)
				if err != nil || !t.reply(ctx, a, m.Payload) {
					return
				}
			}
		})
	}
}

var errGone = errors.New("it is gone for good")

// reply answers a message as long as it keeps its temper; false ends the association.
func (t *tolerant) reply(ctx context.Context, a association.Association, b []byte) bool {
	if len(b) > 0 && b[0] == wire.TypeCookie {
		t.turned.Store(true)
	}
	answer, times := t.answer(b), 1
	if t.turned.Load() {
		switch t.turn {
		case "hang":
			return true
		case "once":
			if t.mute.CompareAndSwap(0, time.Now().Add(3*t.response).UnixNano()) || time.Now().UnixNano() < t.mute.Load() {
				return true
			}
		case "close":
			return false
		case "gone", "die":
			_ = t.listener.Close()
			return false
		case "garbage":
			answer = []byte{0xee, 0, 0, 8, 1, 2, 3, 4}
		case "flood":
			times = 2000
		}
	}
	for range times {
		if answer != nil && a.Send(ctx, association.Message{Payload: answer}) != nil {
			return false
		}
	}
	return true
}

func (t *tolerant) answer(b []byte) []byte {
	m, err := wire.Decode(wire.ASAP, b, nil)
	if err != nil {
		return nil
	}
	var answer wire.Message
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m := m.(type) {
	case *wire.Registration:
		if len(t.elements) < 100 && string(m.PoolHandle) == "EchoPool" {
			t.elements[m.Element.ID] = wire.Clone(m).(*wire.Registration).Element
		}
		answer = &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID}
	case *wire.HandleResolution:
		r := &wire.HandleResolutionResponse{PoolHandle: m.PoolHandle}
		if string(m.PoolHandle) == "EchoPool" {
			for _, e := range t.elements {
				e.Policy = wire.Policy{Type: wire.RoundRobin}
				r.Elements = append(r.Elements, e)
			}
		}
		if len(r.Elements) == 0 {
			r.Causes = []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
		}
		answer = r
	default:
		return nil
	}
	out, err := wire.Encode(answer)
	if err != nil {
		return nil
	}
	return out
}

func (*tolerant) Restarts() bool           { return true }
func (*tolerant) Process() monitor.Process { return nil }

func (t *tolerant) Close(context.Context) error {
	if t.listener == nil {
		return nil
	}
	err := t.listener.Close()
	t.cancel()
	t.wg.Wait()
	if t.stack != nil {
		_ = t.stack.Close()
		t.stack = nil
	}
	t.listener = nil
	return err
}
