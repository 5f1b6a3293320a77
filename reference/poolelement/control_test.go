// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// dataPPID is that of the application.
const dataPPID = 77

// dataInfo is how an element sees an association with a pool user.
func dataInfo(transport association.Transport, secured bool, user string) association.Info {
	info := association.Info{
		Transport: transport, Secured: secured, Local: netip.AddrPortFrom(elementHost, 7),
		Remote: netip.MustParseAddrPort("192.0.2.99:6000"),
	}
	if user != "" {
		info.Identity = tlspsk.Identity{Kind: tlspsk.PSK, Name: user}
	}
	return info
}

// controlling runs f with an element whose pool has a control channel.
func controlling(t *testing.T, change func(*poolelement.Config), f func(t *testing.T, b *bed)) {
	t.Helper()
	cfg := config(1)
	cfg.Pools[0].User = wire.Transport{Kind: wire.TransportSCTP, Port: 7, Use: wire.DataAndControl}
	cfg.Cookies = newCookies(t, cookieKey)
	if change != nil {
		change(&cfg)
	}
	run(t, cfg, func(b *bed) { b.lose(1) }, f)
}

// user is a pool user on an association with the element.
type user struct {
	t *testing.T
	*channel.Channel
	control *poolelement.Control
}

func (b *bed) user(info association.Info) *user {
	b.t.Helper()
	far, near := memory.Pair(info, info)
	ch, err := channel.New(far, channel.Options{DataPPID: dataPPID})
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := b.e.Control(b.t.Context(), []byte(pool), near, dataPPID)
	if err != nil {
		b.t.Fatal(err)
	}
	return &user{t: b.t, Channel: ch, control: c}
}

// hears returns the next control message; data fails.
func hears[M wire.Message](u *user) M {
	u.t.Helper()
	r, err := u.Receive(u.t.Context())
	m, ok := r.Control.(M)
	if err != nil || !ok {
		u.t.Fatalf("got %+v, %v, want %T", r, err, m)
	}
	return m
}

// says sends a control message and returns what the element makes of it.
func (u *user) says(m wire.Message) poolelement.FromUser {
	u.t.Helper()
	if err := u.SendControl(u.t.Context(), m); err != nil {
		u.t.Fatal(err)
	}
	r, err := u.control.Receive(u.t.Context())
	if err != nil {
		u.t.Fatal(err)
	}
	return r
}

// carriers are the associations that data and control share.
var carriers = []struct {
	name      string
	transport association.Transport
	secured   bool
}{
	{"clear SCTP", association.SCTPUDP, false},
	{"TLS over SCTP", association.SCTPUDP, true},
	{"clear TCP", association.TCP, false},
	{"TLS over TCP", association.TCP, true},
}

func TestDataAndControlShareAnAssociation(t *testing.T) {
	for _, row := range carriers {
		t.Run(row.name, func(t *testing.T) {
			controlling(t, nil, func(t *testing.T, b *bed) {
				u := b.user(dataInfo(row.transport, row.secured, "bob"))
				card := hears[*wire.BusinessCard](u) // RFC 5352 section 3.9: when communication begins
				if string(card.PoolHandle) != pool || len(card.Elements) != 1 || card.Elements[0].ID != peID || card.Elements[0].User.Addrs[0] != elementHost {
					t.Errorf("business card %+v", card)
				}
				if err := u.SendData(t.Context(), []byte("question")); err != nil {
					t.Fatal(err)
				}
				if r, err := u.control.Receive(t.Context()); err != nil || string(r.Data) != "question" {
					t.Fatalf("got %+v, %v", r, err)
				}
				if err := u.control.SendData(t.Context(), []byte("answer")); err != nil {
					t.Fatal(err)
				}
				if err := u.control.SendCookie(t.Context(), []byte("question 1 answered")); err != nil {
					t.Fatal(err)
				}
				if r, err := u.Receive(t.Context()); err != nil || string(r.Data) != "answer" {
					t.Fatalf("got %+v, %v", r, err)
				}
				echo := &wire.CookieEcho{Value: hears[*wire.Cookie](u).Value}
				if r := u.says(echo); string(r.State) != "question 1 answered" || r.Refused != nil {
					t.Fatalf("state %q, refused %v", r.State, r.Refused)
				}
			})
		})
	}
}

// TestCookieOfAFailedElement: who may bring a cookie to another element of the pool, and
// what the fault of each row would let through.
func TestCookieOfAFailedElement(t *testing.T) {
	for _, row := range []struct {
		name string
		from association.Info // to the element that failed
		to   association.Info // to its successor
		wait time.Duration
		ok   bool
	}{
		{"by its user", dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, "bob"), 0, true},
		{"by the same address", dataInfo(association.TCP, false, ""), dataInfo(association.TCP, false, ""), 0, true},
		{"by another user", dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, "eve"), 0, false},
		{"by an anonymous user", dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, ""), 0, false},
		{"too late", dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, "bob"), poolelement.DefaultCookieLife, false},
	} {
		for _, faulty := range []bool{false, true} {
			t.Run(row.name+map[bool]string{true: ", without the defence"}[faulty], func(t *testing.T) {
				controlling(t, func(c *poolelement.Config) {
					if faulty {
						d := poolelement.NewDefences()
						d.Cookie = poolelement.CookieVerifierFunc(func(_ *poolelement.Cookies, _ time.Time, _ wire.PoolHandle, _ string, cookie []byte) ([]byte, error) {
							return poolelement.CookieState(cookie), nil
						})
						c.Defences = &d
					}
				}, func(t *testing.T, b *bed) {
					first, second := b.user(row.from), b.user(row.to)
					hears[*wire.BusinessCard](first)
					if err := first.control.SendCookie(t.Context(), []byte("state")); err != nil {
						t.Fatal(err)
					}
					echo := &wire.CookieEcho{Value: hears[*wire.Cookie](first).Value}
					time.Sleep(row.wait)
					r := second.says(echo)
					if want := row.ok || faulty; (string(r.State) == "state") != want || (r.Refused == nil) != want || (!want && !errors.Is(r.Refused, poolelement.ErrRefused)) {
						t.Fatalf("state %q, refused %v, want believed: %v", r.State, r.Refused, want)
					}
				})
			})
		}
	}
}

func TestMessagesFromAUserMoveNobody(t *testing.T) {
	controlling(t, nil, func(t *testing.T, b *bed) {
		u := b.user(dataInfo(association.SCTPUDP, true, "bob"))
		for _, m := range []wire.Message{
			keepAlive(true, rogueID),
			&wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID},
			&wire.Cookie{Value: []byte("xxxx")},
		} {
			if err := u.SendControl(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		card := &wire.BusinessCard{PoolHandle: []byte(otherPool), Elements: []wire.PoolElement{{
			ID: 1, Life: 60, Policy: wire.Policy{Type: wire.RoundRobin},
			User: wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{elementHost}},
		}}}
		if r := u.says(card); r.Card == nil || string(r.Card.PoolHandle) != otherPool {
			t.Fatalf("got %+v", r)
		}
		if got := b.e.Stats().Ignored; got != 3 || b.home() != "" {
			t.Fatalf("%d ignored, home %q", got, b.home())
		}
	})
}

func TestPoolWithoutControlChannel(t *testing.T) {
	controlling(t, func(c *poolelement.Config) { c.Pools[0].User.Use = wire.DataOnly }, func(t *testing.T, b *bed) {
		u := b.user(dataInfo(association.SCTPUDP, true, "bob"))
		if err := u.control.SendCookie(t.Context(), nil); !errors.Is(err, poolelement.ErrNoControlChannel) {
			t.Errorf("cookie: %v", err)
		}
		if err := u.control.SendBusinessCard(t.Context()); !errors.Is(err, poolelement.ErrNoControlChannel) {
			t.Errorf("business card: %v", err)
		}
		if err := u.control.SendData(t.Context(), []byte("data")); err != nil {
			t.Error(err)
		}
		if r, err := u.Receive(t.Context()); err != nil || string(r.Data) != "data" {
			t.Errorf("got %+v, %v: no card may come before", r, err)
		}
	})
}

func TestCookiesWithoutAKey(t *testing.T) {
	controlling(t, func(c *poolelement.Config) { c.Cookies = nil }, func(t *testing.T, b *bed) {
		u := b.user(dataInfo(association.TCP, true, "bob"))
		if err := u.control.SendCookie(t.Context(), nil); !errors.Is(err, poolelement.ErrNoCookies) {
			t.Errorf("cookie: %v", err)
		}
		if r := u.says(&wire.CookieEcho{Value: []byte("0123")}); !errors.Is(r.Refused, poolelement.ErrRefused) {
			t.Errorf("echo: %+v", r)
		}
	})
}

func TestControlNeedsAMembership(t *testing.T) {
	controlling(t, nil, func(t *testing.T, b *bed) {
		_, near := memory.Pair(dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, "bob"))
		if _, err := b.e.Control(t.Context(), []byte(otherPool), near, dataPPID); !errors.Is(err, poolelement.ErrUnknownPool) {
			t.Errorf("another pool: %v", err)
		}
		if _, err := b.e.Control(t.Context(), []byte(pool), near, wire.PPIDASAP); !errors.Is(err, channel.ErrDataPPID) {
			t.Errorf("data as ASAP: %v", err)
		}
	})
}

func TestMalformedControlMessageIsAnError(t *testing.T) {
	controlling(t, nil, func(t *testing.T, b *bed) {
		far, near := memory.Pair(dataInfo(association.TCP, true, "bob"), dataInfo(association.TCP, true, "bob"))
		c, err := b.e.Control(t.Context(), []byte(pool), near, dataPPID)
		if err != nil {
			t.Fatal(err)
		}
		if err := far.Send(t.Context(), association.Message{Payload: octets(t, "0c000008 000d0003"), PPID: 11}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Receive(t.Context()); !errors.Is(err, channel.ErrMalformed) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Receive(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		synctest.Wait()
	})
}
