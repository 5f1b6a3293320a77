// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

func TestMessagesOfEverySizeGoBothWays(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		for i, n := range []int{4, 8, 1400, 16384, 60000, 65532} {
			send(t, client, n, byte(i))
			if m := want(t, server, n, byte(i)); m.PPID != 11 || m.Stream != 0 {
				t.Errorf("%d octets: PPID %d, stream %d", n, m.PPID, m.Stream)
			}
			send(t, server, n, byte(i))
			want(t, client, n, byte(i))
		}
		closeNow(t, client)
	})
}

func TestInfoTellsWhoIsThere(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		b := newBed(t, tr, security)
		client, server := b.dial(t)
		c, s := client.Info(), server.Info()
		if c.Transport != tr || c.Remote != b.listener.Addr() || c.Remote != s.Local || c.Local != s.Remote {
			t.Errorf("client %+v\nserver %+v", c, s)
		}
		if len(s.PeerAddrs) != 1 || s.PeerAddrs[0] != b.dialer.Local || len(c.PeerAddrs) != 1 || c.PeerAddrs[0] != c.Remote.Addr() {
			t.Errorf("peer addresses %v and %v", c.PeerAddrs, s.PeerAddrs)
		}
		wantServer := map[string]tlspsk.Identity{"psk": {Kind: tlspsk.PSK, Name: pskIdentity}}[security]
		if s.Identity != wantServer || s.Secured != (security != "clear") || c.Secured != s.Secured {
			t.Errorf("server sees %+v, secured %v and %v", s.Identity, c.Secured, s.Secured)
		}
	})
}

func TestCloseDeliversWhatIsPending(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		const messages = 40 // 2 MB together
		var sent sync.WaitGroup
		sent.Go(func() {
			for i := range messages {
				send(t, client, 50000, byte(i))
			}
			closeNow(t, client)
		})
		for i := range messages {
			want(t, server, 50000, byte(i))
		}
		if err := end(t, server); err != io.EOF {
			t.Errorf("server ended: %v", err)
		}
		sent.Wait()
		<-server.Done()
		if err := server.Err(); err != io.EOF {
			t.Errorf("server's Err: %v", err)
		}
		if err := client.Err(); !errors.Is(err, ErrClosed) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("client's Err: %v", err)
		}
		if err := server.Send(t.Context(), Message{Payload: message(8, 0)}); !errors.Is(err, ErrClosed) {
			t.Errorf("send after the end: %v", err)
		}
	})
}

func TestAbortIsNoticedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		send(t, client, 8, 1)
		want(t, server, 8, 1)
		if err := client.Abort("had enough"); err != nil {
			t.Error(err)
		}
		if err := end(t, server); !errors.Is(err, ErrAborted) {
			t.Errorf("server ended: %v", err)
		}
		if _, err := client.Receive(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("client ended: %v", err)
		}
	})
}

func TestCancelledReceiveLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		for i := range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%3)*time.Millisecond)
			if m, err := server.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("cancelled receive: %d octets, %v", len(m.Payload), err)
			}
			cancel()
			send(t, client, 100, byte(i))
			want(t, server, 100, byte(i))
		}
	})
}

func TestConcurrentSendsStayWhole(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		const senders, messages = 8, 25
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for range messages {
					send(t, client, 100+4000*i, byte(i))
				}
			})
		}
		for range senders * messages {
			m, err := server.Receive(within(t))
			if err != nil {
				t.Fatal(err)
			}
			fill := m.Payload[4]
			if string(m.Payload) != string(message(100+4000*int(fill), fill)) {
				t.Fatalf("message of %d octets is mixed up", len(m.Payload))
			}
		}
		all.Wait()
	})
}

func TestManyAssociationsAtOnce(t *testing.T) {
	const associations = 200
	each(t, func(t *testing.T, tr Transport, security string) {
		b := newBed(t, tr, security)
		if tr.IsSCTP() {
			b.dialer.Stack = newStack(t, tr, nil)
		}
		ctx := within(t)
		var all sync.WaitGroup
		all.Go(func() { // echo
			for range associations {
				server, err := b.listener.Accept(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				all.Go(func() {
					for {
						m, err := server.Receive(ctx)
						if err != nil {
							return
						}
						_ = server.Send(ctx, m)
					}
				})
			}
		})
		for i := range associations {
			all.Go(func() {
				client, err := b.dialer.Dial(ctx, b.listener.Addr())
				if err != nil {
					t.Error(err)
					return
				}
				for range 3 {
					send(t, client, 200, byte(i))
					want(t, client, 200, byte(i))
				}
				closeNow(t, client)
			})
		}
		all.Wait()
		if tr.IsSCTP() && b.stack.Stats().Refused != 0 { // each would cost a second
			t.Errorf("INITs were lost: %+v", b.stack.Stats())
		}
	})
}

// fill sends until everything between both ends is full, and returns how many
// messages of 60000 octets were taken.
func fill(t *testing.T, a Association) byte {
	t.Helper()
	for sent := byte(0); sent < 255; sent++ {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := a.Send(ctx, Message{Payload: message(60000, sent)})
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return sent
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("15 MB were taken")
	return 0
}

func shortQueue(_ *Dialer, c *ListenConfig) { c.Limits.ReadQueue = 2 }

func TestReadQueueHoldsThePeerUp(t *testing.T) {
	for _, tr := range everySCTP() {
		t.Run(string(tr), func(t *testing.T) {
			client, server := newBed(t, tr, "clear", shortQueue).dial(t)
			sent := fill(t, client)
			for i := range sent {
				want(t, server, 60000, i)
			}
			// The one that found no room was not sent, and its deadline is gone.
			if again := fill(t, client); again < sent/2 {
				t.Errorf("%d messages taken, then %d", sent, again)
			}
			want(t, server, 60000, 0)
		})
	}
}

func TestSendCutOffInAByteStreamAborts(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		if tr.IsSCTP() && security == "clear" {
			return
		}
		client, server := newBed(t, tr, security, shortQueue).dial(t)
		fill(t, client)
		<-client.Done()
		if err := client.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("client ended: %v", err)
		}
		if err := end(t, server); !errors.Is(err, ErrAborted) {
			t.Errorf("server ended: %v", err)
		}
	})
}

func TestEmptyMessageIsRefused(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		client, server := newBed(t, tr, security).dial(t)
		if err := client.Send(t.Context(), Message{}); !errors.Is(err, ErrEmpty) {
			t.Errorf("empty: %v", err)
		}
		send(t, client, 8, 1)
		want(t, server, 8, 1)
	})
}

func TestPPIDAndStreamInClearSCTP(t *testing.T) {
	for _, tr := range everySCTP() {
		t.Run(string(tr), func(t *testing.T) {
			client, server := newBed(t, tr, "clear").dial(t)
			for _, m := range []Message{{message(8, 1), 12, 0}, {message(8, 2), 0xfaeeb5d1, 2}} {
				if err := client.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				got, err := server.Receive(within(t))
				if err != nil || got.PPID != m.PPID || got.Stream != m.Stream {
					t.Errorf("got PPID %#x stream %d, %v", got.PPID, got.Stream, err)
				}
			}
		})
	}
	client, _ := newBed(t, TCP, "clear").dial(t)
	if err := client.Send(t.Context(), Message{Payload: message(8, 1), Stream: 1}); !errors.Is(err, ErrStream) {
		t.Errorf("stream 1 of TCP: %v", err)
	}
}

func TestStackCarriesDialsAndListenersTogether(t *testing.T) {
	for _, tr := range everySCTP() {
		t.Run(string(tr), func(t *testing.T) {
			a, b := newBed(t, tr, "clear"), newBed(t, tr, "clear")
			enrp, err := Listen(t.Context(), ListenConfig{Transport: tr, Stack: a.stack, PPID: 12, Addr: netipPort(a, 9901)})
			if err != nil {
				t.Fatal(err)
			}
			defer enrp.Close()
			defer a.listener.Close()
			a.dialer.Stack, b.dialer.Stack = a.stack, b.stack
			a.listener, b.listener = b.listener, enrp
			for _, x := range []*bed{a, b} {
				client, server := x.dial(t)
				send(t, client, 16, 3)
				want(t, server, 16, 3)
				closeNow(t, server)
			}
		})
	}
}
