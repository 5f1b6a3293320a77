// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// failures collects what OnHandshakeError is told.
type failures chan error

func (f failures) note(_ netip.AddrPort, err error) { f <- err }

// next returns the next one.
func (f failures) next(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f:
		return err
	case <-time.After(patience):
		t.Fatal("no handshake error")
		return nil
	}
}

// Peers that send nothing must not keep others out, and are given up in time.
func TestSlowHandshakesHoldUpNobody(t *testing.T) {
	const silent = 20
	for _, tr := range everyTransport {
		t.Run(string(tr), func(t *testing.T) {
			f := make(failures, silent)
			b := newBed(t, tr, "psk", func(_ *Dialer, c *ListenConfig) {
				c.Limits.HandshakeTimeout, c.OnHandshakeError = 500*time.Millisecond, f.note
			})
			clear := b.dialer // clear: TLS waits for a ClientHello
			clear.TLS = nil
			for range silent {
				a, err := clear.Dial(within(t), b.listener.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer a.Abort("end of test")
			}
			client, server := b.dial(t)
			send(t, client, 8, 1)
			want(t, server, 8, 1)
			for range silent {
				if err := f.next(t); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("handshake error: %v", err)
				}
			}
		})
	}
}

func TestFailedHandshakeIsToldToBothSides(t *testing.T) {
	for _, tr := range everyTransport {
		t.Run(string(tr), func(t *testing.T) {
			f := make(failures, 2)
			b := newBed(t, tr, "psk", func(d *Dialer, c *ListenConfig) {
				d.TLS.PSKIdentity, d.TLS.MaxVersion = "nobody", tlspsk.TLS12
				c.OnHandshakeError = f.note
			})
			_, err := b.dialer.Dial(within(t), b.listener.Addr())
			var alert *tlspsk.AlertError
			if !errors.As(err, &alert) || alert.Received != "unknown_psk_identity" {
				t.Errorf("client: %v", err)
			}
			if err := f.next(t); !errors.Is(err, tlspsk.ErrUnknownIdentity) {
				t.Errorf("server: %v", err)
			}
			b.dialer.TLS = nil
			clear, err := b.dialer.Dial(within(t), b.listener.Addr())
			if err != nil {
				t.Fatal(err)
			}
			send(t, clear, 64, 1) // not a TLS record
			if err := f.next(t); err == nil {
				t.Error("a message in clear passed for TLS")
			}
			if err := end(t, clear); err == nil {
				t.Error("clear association goes on")
			}
		})
	}
}

func TestAssociationsOfAListenerAreBounded(t *testing.T) {
	for _, tr := range everyTransport {
		t.Run(string(tr), func(t *testing.T) {
			refused := make(chan struct{}, 1)
			b := newBed(t, tr, "clear", func(_ *Dialer, c *ListenConfig) {
				c.Limits.Associations = 2
				c.OnHandshakeError = func(_ netip.AddrPort, err error) {
					if errors.Is(err, ErrTooMany) {
						select {
						case refused <- struct{}{}:
						default:
						}
					}
				}
			})
			first, _ := b.dial(t)
			b.dial(t)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			third, err := b.dialer.Dial(ctx, b.listener.Addr())
			if tr == TCP || tr == SCTPKernel { // the kernel connects, then we reset
				if err == nil {
					err = end(t, third)
				}
				if !errors.Is(err, ErrAborted) {
					t.Errorf("third: %v", err)
				}
				select { // the reset may be read before the listener has said why
				case <-refused:
				case <-time.After(patience):
					t.Error("the listener does not say that it refused")
				}
			} else if !errors.Is(err, context.DeadlineExceeded) || b.stack.Stats().Refused == 0 {
				t.Errorf("third: %v, %+v", err, b.stack.Stats())
			}
			closeNow(t, first)
			deadline := time.Now().Add(patience)
			for { // the server counts its end shortly after ours
				client, err := b.dialer.Dial(within(t), b.listener.Addr())
				if err != nil {
					t.Fatal(err)
				}
				defer client.Abort("end of test")
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				_, err = b.listener.Accept(ctx)
				cancel()
				if err == nil {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal("the place of a closed association is not free")
				}
			}
		})
	}
}

func TestListenerCloseEndsWhatNobodyAccepted(t *testing.T) {
	each(t, func(t *testing.T, tr Transport, security string) {
		b := newBed(t, tr, security)
		client, server := b.dial(t)
		waiting, err := b.dialer.Dial(within(t), b.listener.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.listener.Close(); err != nil {
			t.Error(err)
		}
		if err := end(t, waiting); err == nil {
			t.Error("an association that nobody accepted goes on")
		}
		if _, err := b.listener.Accept(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		send(t, client, 8, 1)
		want(t, server, 8, 1)
		if _, err := b.dialer.Dial(within(t), b.listener.Addr()); !errors.Is(err, ErrAborted) {
			t.Errorf("dial after close: %v", err)
		}
	})
}

func TestPlainTCPClientMayJustClose(t *testing.T) {
	b := newBed(t, TCP, "clear")
	c := b.rawConn(t)
	server, err := b.listener.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := end(t, server); err != io.EOF {
		t.Errorf("ended: %v", err)
	}
}

func TestUnsupportedCombinationsAreRefused(t *testing.T) {
	if _, err := (&Dialer{Transport: UDP}).Dial(t.Context(), netip.MustParseAddrPort("127.0.0.1:3863")); !errors.Is(err, ErrTransport) {
		t.Errorf("dial udp: %v", err)
	}
	for _, c := range []ListenConfig{{Transport: SCTP}, {Transport: "x"}, {Transport: SCTP, Stack: newStack(t, SCTPUDP, nil)}} {
		if _, err := Listen(t.Context(), c); !errors.Is(err, ErrTransport) {
			t.Errorf("listen %q: %v", c.Transport, err)
		}
	}
	if _, err := NewStack(StackConfig{Transport: TCP}); !errors.Is(err, ErrTransport) {
		t.Errorf("stack of tcp: %v", err)
	}
}
