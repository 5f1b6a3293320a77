// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestFailoverGoesOnWithTheNextElement(t *testing.T) {
	for _, tc := range []struct {
		name     string
		end      func(*far)
		reported bool
	}{
		{"abort", func(f *far) { f.Abort("") }, true},
		{"silence", func(f *far) { f.End(association.ErrUnreachable) }, true},
		{"graceful end", func(f *far) { f.Close(context.Background()) }, false},
		{"malformed control message", func(f *far) {
			(&node{Association: f.Association, host: &host{net: &network{t: f.t}}}).sendBytes([]byte{wire.TypeCookie, 0, 0, 1})
		}, false},
		{"data not understood", func(f *far) {
			f.control(&wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseUnrecognizedMessage, Info: []byte{channel.TypeData, 0, 0, 5, 'x', 0, 0, 0}}}})
		}, false},
		{"forged record", func(f *far) { f.End(&tlspsk.AlertError{Op: "read", Sent: "bad_record_mac"}) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB)
				s, a := b.open(peA)
				send(t, s, "one")
				a.want("data one")
				tc.end(a)
				next := b.far(peB)
				send(t, s, "two")
				next.want("data two")
				f := <-s.Failovers()
				if f.Pool != pool || f.From.ID != peA || f.To.ID != peB || f.Cause == nil {
					t.Errorf("notice %+v", f)
				}
				synctest.Wait()
				var want []wire.PEID
				if tc.reported {
					want = []wire.PEID{peA}
				}
				if got := b.registrar.reported(); !slices.Equal(got, want) {
					t.Errorf("reported %v, want %v", got, want)
				}
				if a.Err() == nil {
					t.Error("the association with the lost element is still open")
				}
			})
		})
	}
}

// RFC 5352 section 3.9, BC2; but only the registrar says who is in the pool.
func TestBusinessCardSetsTheOrderOfFailover(t *testing.T) {
	stranger := element(peC, wire.Policy{Type: wire.RoundRobin})
	stranger.ID = 0x666
	for _, tc := range []struct {
		name, handle string
		card         []wire.PoolElement
		want         wire.PEID
	}{
		{"preferred", pool, []wire.PoolElement{element(peC, wire.Policy{Type: wire.RoundRobin})}, peC},
		{"the lost one first", pool, []wire.PoolElement{
			element(peA, wire.Policy{Type: wire.RoundRobin}), element(peC, wire.Policy{Type: wire.RoundRobin}),
		}, peC},
		{"stranger first", pool, []wire.PoolElement{stranger, element(peC, wire.Policy{Type: wire.RoundRobin})}, peC},
		{"stranger only", pool, []wire.PoolElement{stranger}, peB},
		{"another pool", "OtherPool", []wire.PoolElement{element(peC, wire.Policy{Type: wire.RoundRobin})}, peB},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB, peC)
				s, a := b.open(peA)
				a.control(&wire.BusinessCard{PoolHandle: []byte(tc.handle), Elements: tc.card})
				a.data("x")
				receive(t, s)
				a.Close(t.Context())
				b.far(tc.want)
			})
		})
	}
}

func TestDataThatCannotBeSentGoesToTheNextElementOrComesBack(t *testing.T) {
	for _, comesBack := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, nil, peA, peB)
			s, a := b.open(peA)
			a.Cut()
			var options []pooluser.SendOption
			if comesBack {
				options = append(options, pooluser.SendNoFailover)
			}
			err := s.Send(within(t, time.Minute), []byte("keep"), options...)
			next := b.far(peB) // there is a failover either way
			synctest.Wait()
			switch sent := (&node{Association: next.Association}).pending(); {
			case comesBack && (!errors.Is(err, pooluser.ErrNotSent) || len(sent) != 0):
				t.Errorf("got %v and %d messages, want ErrNotSent and none", err, len(sent))
			case !comesBack && (err != nil || len(sent) != 1):
				t.Errorf("got %v and %d messages, want one", err, len(sent))
			}
			if got := b.registrar.reported(); !slices.Equal(got, []wire.PEID{peA}) {
				t.Errorf("reported %v, want A once", got)
			}
		})
	}
}

func TestRegistrarIsAskedAgainWhenTheCacheHasNoneLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		b.dir.set(func(d *directory) { d.elements = d.elements[:1] })
		_, a := b.open(peA)
		b.dir.set(func(d *directory) { d.elements = append(d.elements, element(peB, wire.Policy{Type: wire.Priority})) })
		a.Abort("")
		b.far(peB)
		if got := b.dir.requests(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

func TestSessionEndsWhenNoElementIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA)
		s, a := b.open(peA)
		a.data("last")
		a.Abort("")
		<-s.Done()
		if got := receive(t, s); got != "last" {
			t.Errorf("got %q, want what arrived before the end", got)
		}
		if _, err := s.Receive(t.Context()); !errors.Is(err, pooluser.ErrNoElement) || !errors.Is(err, association.ErrAborted) {
			t.Errorf("got %v, want ErrNoElement and the cause", err)
		}
		if err := s.Send(t.Context(), []byte("x")); !errors.Is(err, pooluser.ErrNoElement) {
			t.Errorf("Send: %v", err)
		}
	})
}

func TestFailoverGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Timers.Connect = time.Hour }, peA, peB)
		s, a := b.open(peA)
		b.pe[peB].silent()
		start := time.Now()
		a.Abort("")
		<-s.Done()
		if took := time.Since(start); took != time.Minute {
			t.Errorf("gave up after %v, want the timer Failover (60 s)", took)
		}
	})
}

func TestElementsThatServeMayEndTheAssociationAsOftenAsTheyLike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, far := b.open(peA)
		for i := range 30 {
			far.data("served")
			receive(t, s)
			far.Close(t.Context())
			far = b.far([]wire.PEID{peB, peA}[i%2])
		}
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	})
}

// Elements that take associations and end them must not keep the pool user dialling.
func TestElementsThatHangUpAreNotTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, a := b.open(peA)
		for _, id := range []wire.PEID{peA, peB} {
			go func() {
				for {
					select {
					case m := <-b.pe[id].accepted:
						m.Close(context.Background())
					case <-t.Context().Done():
						return
					}
				}
			}()
		}
		a.Close(t.Context())
		<-s.Done()
		if got := b.pe[peA].count() + b.pe[peB].count(); got != 1+8 {
			t.Errorf("%d associations, want the first and 8 more", got)
		}
	})
}
