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
		{"silence", func(f *far) { f.finish(association.ErrUnreachable) }, true},
		{"graceful end", func(f *far) { f.Close(context.Background()) }, false},
		{"malformed control message", func(f *far) {
			(&node{memory: f.memory, host: &host{net: &network{t: f.t}}}).sendBytes([]byte{wire.TypeCookie, 0, 0, 1})
		}, false},
		{"data not understood", func(f *far) {
			f.control(&wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseUnrecognizedMessage, Info: []byte{channel.TypeData, 0, 0, 5, 'x', 0, 0, 0}}}})
		}, false},
		{"forged record", func(f *far) { f.finish(&tlspsk.AlertError{Op: "read", Sent: "bad_record_mac"}) }, false},
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
				if a.end.by == nil {
					t.Error("the association with the lost element is still open")
				}
			})
		})
	}
}

// Draft section 2.9: the notice comes before anything goes to the next element.
func TestApplicationIsNotifiedBeforeTheFirstOctet(t *testing.T) {
	silenced := pooluser.NoticeFunc(func(context.Context, pooluser.Failover, func(context.Context, pooluser.Failover) error) error {
		return nil
	})
	for name, tc := range map[string]struct {
		change func(*pooluser.Config)
		want   []string
	}{
		"defence":         {nil, []string{"notice", "dial 0x0000000b"}},
		"without defence": {defences(func(d *pooluser.Defences) { d.Notice = silenced }), []string{"dial 0x0000000b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, tc.change, peA, peB)
				_, a := b.open(peA, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
					b.note("notice")
					return nil
				}))
				before := len(b.lines())
				a.Abort("")
				b.far(peB)
				var got []string
				for _, l := range b.lines()[before:] {
					if l != "report 0x0000000a" {
						got = append(got, l)
					}
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("order %v, want %v", got, tc.want)
				}
			})
		})
	}
}

func TestNoticeIsInTheChannelBeforeTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, a := b.open(peA)
		noticed := false
		b.pe[peB].answer(func(context.Context, pooluser.Target) error {
			noticed = len(s.Failovers()) == 1
			return nil
		})
		a.Abort("")
		b.far(peB)
		if !noticed {
			t.Error("dialled before the notice could be read")
		}
	})
}

func TestApplicationCanRejectAnElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		_, a := b.open(peA, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
			if f.To.ID == peB {
				return errors.New("not that one")
			}
			return nil
		}))
		a.Abort("")
		b.far(peC)
		if b.pe[peB].count() != 0 {
			t.Error("the rejected element was dialled")
		}
	})
}

func TestUnreadNoticesLoseTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Limits.Notices = 1 }, peA, peB)
		s, a := b.open(peA)
		a.Abort("")
		second := b.far(peB)
		second.data("I am here")
		second.Abort("")
		b.far(peA)
		synctest.Wait()
		if f := <-s.Failovers(); f.From.ID != peB {
			t.Errorf("notice from %s, want the latest", f.From.ID)
		}
		if got := b.user.Stats().NoticesLost; got != 1 {
			t.Errorf("%d notices counted as lost, want 1", got)
		}
	})
}

// secured returns how an association looks with some properties missing.
func secured(kind tlspsk.IdentityKind, suite string) association.Info {
	return association.Info{Secured: true, Identity: tlspsk.Identity{Kind: kind}, TLS: tlspsk.State{CipherSuite: suite}}
}

const (
	encrypting = "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"
	null       = "TLS_PSK_WITH_NULL_SHA256"
)

// Draft section 2.9.2: "an attacker could take advantage of the change in security".
func TestFailoverNeverWeakensTheSecurityContext(t *testing.T) {
	strong := secured(tlspsk.Certificate, encrypting)
	for _, tc := range []struct {
		name   string
		before association.Info
		after  association.Info
		ok     bool
	}{
		{"certificate to pre-shared key", strong, secured(tlspsk.PSK, encrypting), true},
		{"pre-shared key to certificate", secured(tlspsk.PSK, encrypting), strong, true},
		{"certificate to anonymous", strong, secured(tlspsk.Anonymous, encrypting), false},
		{"pre-shared key to anonymous", secured(tlspsk.PSK, encrypting), secured(tlspsk.Anonymous, encrypting), false},
		{"encrypting to NULL", strong, secured(tlspsk.Certificate, null), false},
		{"NULL to encrypting", secured(tlspsk.Certificate, null), strong, true},
		{"anonymous to anonymous", secured(tlspsk.Anonymous, encrypting), secured(tlspsk.Anonymous, encrypting), true},
		{"TLS to clear", secured(tlspsk.Anonymous, null), association.Info{}, false},
	} {
		for _, defended := range []bool{true, false} {
			t.Run(tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBed(t, func(c *pooluser.Config) {
						c.Elements.Security = pooluser.ElementsPreferred
						if !defended {
							none := func(_, _ pooluser.SecurityContext) error { return nil }
							defences(func(d *pooluser.Defences) { d.Strength = pooluser.StrengthFunc(none) })(c)
						}
					}, peA, peB, peC)
					b.pe[peA].info, b.pe[peB].info, b.pe[peC].info = tc.before, tc.after, tc.before
					_, a := b.open(peA)
					a.control(&wire.Cookie{Value: []byte("session key")})
					synctest.Wait()
					a.Abort("")
					if tc.ok || !defended {
						b.far(peB).want("echo session key")
						return
					}
					b.far(peC).want("echo session key")
					if got := (&node{memory: b.far(peB).memory}).pending(); len(got) != 0 {
						t.Errorf("the weaker element was sent %d messages", len(got))
					}
					if got := b.user.Stats().ElementsRefused; got != 1 {
						t.Errorf("%d elements refused, want 1", got)
					}
				})
			})
		}
	}
}

// The next element has no TLS: what was under TLS must not go on in clear.
func TestFailoverDoesNotFallBackToClear(t *testing.T) {
	noTLS := func(_ context.Context, target pooluser.Target) error {
		if target.TLS != nil {
			return errors.New("connection reset")
		}
		return nil
	}
	for _, defended := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, func(c *pooluser.Config) {
				c.Elements.Security = pooluser.ElementsPreferred
				if !defended {
					none := func(_, _ pooluser.SecurityContext) error { return nil }
					defences(func(d *pooluser.Defences) { d.Strength = pooluser.StrengthFunc(none) })(c)
				}
			}, peA, peB)
			b.pe[peB].answer(noTLS)
			s, a := b.open(peA)
			a.Abort("")
			if !defended {
				b.far(peB)
				return
			}
			<-s.Done()
			if !errors.Is(s.Err(), pooluser.ErrNoElement) || b.pe[peB].count() != 1 {
				t.Errorf("%v after %d dials to the element without TLS, want ErrNoElement after 1", s.Err(), b.pe[peB].count())
			}
		})
	}
}

// A session that began in clear may go on in clear, and stays under TLS from then on.
func TestPreferredTLSIsUsedWhereItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Elements.Security = pooluser.ElementsPreferred }, peA, peB)
		b.pe[peA].answer(func(_ context.Context, target pooluser.Target) error {
			if target.TLS != nil {
				return errors.New("connection reset")
			}
			return nil
		})
		s, a := b.open(peA)
		if _, c, _ := s.Element(); c.Secured {
			t.Error("secured")
		}
		a.Abort("")
		b.far(peB).data("x")
		receive(t, s)
		if _, c, _ := s.Element(); !c.Secured {
			t.Error("in clear, although the element has TLS")
		}
	})
}

// RFC 5352 section 3.8: the latest cookie, unmodified, first on the control channel.
func TestLatestCookieIsEchoedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		s, a := b.open(peA)
		a.control(&wire.Cookie{Value: []byte("old")})
		a.control(&wire.Cookie{Value: []byte("new")})
		a.data("x")
		receive(t, s)
		a.Abort("")
		send(t, s, "one")
		next := b.far(peB)
		next.want("echo new")
		next.want("data one")
		// The next element has sent none of its own: the old one still is the latest.
		next.Abort("")
		b.far(peC).want("echo new")
	})
}

func TestNoCookieIsEchoedWithoutOneOrWithoutControlChannel(t *testing.T) {
	for name, tc := range map[string]struct {
		use    wire.TransportUse
		cookie bool
		echo   bool
	}{
		"no cookie":          {wire.DataAndControl, false, false},
		"no control channel": {wire.DataOnly, true, false},
		"both":               {wire.DataAndControl, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB)
				b.dir.set(func(d *directory) {
					for i := range d.elements {
						d.elements[i].User.Kind, d.elements[i].User.Use = wire.TransportSCTP, tc.use
					}
				})
				s, a := b.open(peA)
				if tc.cookie {
					a.control(&wire.Cookie{Value: []byte("c")})
				}
				a.data("x")
				receive(t, s)
				a.Abort("")
				send(t, s, "one")
				next := b.far(peB)
				if tc.echo {
					next.want("echo c")
				}
				next.want("data one")
			})
		})
	}
}

// Draft section 2.16: one association carries both, so the cookie is as secure as the data.
func TestCookieTakesTheWayOfTheData(t *testing.T) {
	aside := pooluser.CookiePathFunc(func(ctx context.Context, _ *channel.Channel, open func(context.Context, bool) (*channel.Channel, error)) (*channel.Channel, error) {
		return open(ctx, false)
	})
	for name, change := range map[string]func(*pooluser.Config){
		"defence":         nil,
		"without defence": defences(func(d *pooluser.Defences) { d.Cookie = aside }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, change, peA, peB)
				s, a := b.open(peA)
				a.control(&wire.Cookie{Value: []byte("c")})
				a.data("x")
				receive(t, s)
				a.Abort("")
				send(t, s, "one")
				next := b.far(peB)
				if change == nil {
					next.want("echo c")
					next.want("data one")
					if b.pe[peB].count() != 1 {
						t.Errorf("%d associations with the element, want 1", b.pe[peB].count())
					}
					return
				}
				next.want("data one")
				other := b.far(peB)
				other.want("echo c")
				other.want("EOF")
				if other.Info().Secured {
					t.Error("the second channel is secured")
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
				a.Abort("")
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
			close(a.cut)
			var options []pooluser.SendOption
			if comesBack {
				options = append(options, pooluser.SendNoFailover)
			}
			err := s.Send(within(t, time.Minute), []byte("keep"), options...)
			next := b.far(peB) // there is a failover either way
			synctest.Wait()
			switch sent := (&node{memory: next.memory}).pending(); {
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
