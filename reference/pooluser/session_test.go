// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestSessionCarriesDataBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, far := b.open(peA)
		send(t, s, "hello")
		far.want("data hello")
		far.data("and back")
		r, err := s.Receive(within(t, time.Second))
		if err != nil || string(r.Data) != "and back" || r.Element != peA {
			t.Errorf("got %+v, %v", r, err)
		}
		e, protection, ok := s.Element()
		want := pooluser.SecurityContext{Secured: true, Authenticated: true, Encrypted: true}
		if !ok || e.ID != peA || protection != want {
			t.Errorf("element %s, %v, %v", e.ID, protection, ok)
		}
		if b.pe[peB].count() != 0 {
			t.Error("the other element was dialled")
		}
	})
}

func TestOpenLeavesOutElementsThatCannotBeReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		b.pe[peA].refuse(errors.New("connection refused"))
		b.pe[peB].silent()
		start := time.Now()
		s, _ := b.open(peC)
		if e, _, _ := s.Element(); e.ID != peC || time.Since(start) != 10*time.Second {
			t.Errorf("element %s after %v", e.ID, time.Since(start))
		}
		synctest.Wait()
		if got := b.registrar.reported(); !slices.Equal(got, []wire.PEID{peA, peB}) {
			t.Errorf("reported %v, want A and B", got)
		}
	})
}

func TestOpenFailsWhenNoElementIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA)
		unreachable := errors.New("no route")
		b.pe[peA].refuse(unreachable)
		_, err := b.user.Open(within(t, time.Minute), pool)
		if !errors.Is(err, pooluser.ErrNoElement) || !errors.Is(err, unreachable) {
			t.Errorf("got %v, want ErrNoElement and the reason", err)
		}
		if _, err := b.user.Open(within(t, time.Minute), "NoSuchPool"); !errors.Is(err, pooluser.ErrUnknownPool) {
			t.Errorf("got %v, want ErrUnknownPool", err)
		}
	})
}

func TestSecondAddressIsTriedBeforeAnElementIsUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA)
		b.dir.set(func(d *directory) {
			e := &d.elements[0]
			e.User.Kind = wire.TransportSCTP // several addresses are for SCTP only
			e.User.Addrs = append(e.User.Addrs[:0:0], e.User.Addrs[0].Next(), e.User.Addrs[0])
		})
		_, far := b.open(peA)
		if far.Info().Transport != association.SCTPUDP {
			t.Errorf("transport %s", far.Info().Transport)
		}
		synctest.Wait()
		if got := b.registrar.reported(); len(got) != 0 {
			t.Errorf("reported %v", got)
		}
	})
}

func TestElementThatIsNotAuthenticatedIsLeftAndNotReported(t *testing.T) {
	for _, tc := range []struct {
		name string
		info association.Info
		err  error
	}{
		{"anonymous", association.Info{Secured: true}, nil},
		{"in clear", association.Info{}, nil},
		{"alert", association.Info{}, &tlspsk.AlertError{Op: "handshake", Sent: "bad_certificate"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB)
				b.pe[peA].info = tc.info
				if tc.err != nil {
					b.pe[peA].refuse(tc.err)
				}
				s, _ := b.open(peB)
				send(t, s, "secret")
				synctest.Wait()
				if got := b.registrar.reported(); len(got) != 0 {
					t.Errorf("reported %v, although it was reached", got)
				}
				if tc.err == nil {
					if got := (&node{Association: b.far(peA).Association}).pending(); len(got) != 0 {
						t.Errorf("the element was sent %d messages", len(got))
					}
				}
			})
		})
	}
}

func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Limits.Sessions = 1 }, peA)
		s, _ := b.open(peA)
		if _, err := b.user.Open(within(t, time.Second), pool); !errors.Is(err, pooluser.ErrTooMany) {
			t.Errorf("got %v, want ErrTooMany", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		b.open(peA)
	})
}

func TestSlowApplicationHoldsUpTheElementOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Limits.ReadQueue = 4 }, peA)
		s, far := b.open(peA)
		const sent = 20
		for range sent {
			far.data("x")
		}
		synctest.Wait()
		if waiting := len((&node{Association: far.peer()}).pending()); waiting != sent-4-1 {
			t.Errorf("%d messages wait in the association, want all but the queue and the one in hand", waiting)
		}
		for range 5 {
			receive(t, s)
		}
	})
}

// peer returns the pool user's end.
func (f *far) peer() *memory.Association { return f.Association.Other() }

func TestCloseIsGraceful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, far := b.open(peA)
		send(t, s, "last words")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		far.want("data last words")
		far.want("EOF")
		for name, err := range map[string]error{
			"send":    s.Send(t.Context(), []byte("x")),
			"receive": func() error { _, err := s.Receive(t.Context()); return err }(),
			"err":     s.Err(),
		} {
			if !errors.Is(err, pooluser.ErrClosed) {
				t.Errorf("%s: got %v, want ErrClosed", name, err)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error("second Close:", err)
		}
		if _, open := <-s.Failovers(); open || b.pe[peB].count() != 0 {
			t.Error("closing was taken for a failover")
		}
	})
}

func TestUserCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, far := b.open(peA)
		b.pe[peA].silent()
		b.pe[peB].silent()
		opening := make(chan error)
		go func() { _, err := b.user.Open(t.Context(), pool); opening <- err }()
		synctest.Wait()
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- b.user.Close(t.Context()) }()
		if err := <-opening; err == nil {
			t.Error("Open succeeded during Close")
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("closing took %v", took)
		}
		far.want("EOF")
		<-s.Done()
		if _, err := b.user.Resolve(t.Context(), pool); !errors.Is(err, pooluser.ErrClosed) {
			t.Errorf("Resolve: %v", err)
		}
		if _, err := b.user.Open(t.Context(), pool); !errors.Is(err, pooluser.ErrClosed) {
			t.Errorf("Open: %v", err)
		}
		if err := b.user.Failure(pool, peA); !errors.Is(err, pooluser.ErrClosed) {
			t.Errorf("Failure: %v", err)
		}
	})
}
