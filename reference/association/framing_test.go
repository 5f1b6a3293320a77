// SPDX-License-Identifier: Apache-2.0

package association

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// accept returns a plain TCP connection to a listener in clear and its other end.
func accept(t *testing.T, l Limits) (*net.TCPConn, Association) {
	t.Helper()
	b := newBed(t, TCP, "clear", func(_ *Dialer, c *ListenConfig) { c.Limits = l })
	c := b.rawConn(t)
	server, err := b.listener.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Abort("end of test") })
	return c, server
}

func TestBadMessageLengthEndsTheAssociation(t *testing.T) {
	for name, c := range map[string]struct {
		head   []byte
		limits Limits
		text   string
	}{
		"0":                 {[]byte{1, 0, 0, 0}, Limits{}, "0, limit 65536"},
		"3":                 {[]byte{1, 0, 0, 3}, Limits{}, "3, limit 65536"},
		"above the limit":   {[]byte{1, 0, 0x10, 1}, Limits{MaxMessage: 4096}, "4097, limit 4096"},
		"with its padding":  {[]byte{1, 0, 0x0f, 0xfe}, Limits{MaxMessage: 4092}, "4094, limit 4092"},
		"limit rounded up ": {[]byte{1, 0, 0x10, 1}, Limits{MaxMessage: 4093}, "4097, limit 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			peer, server := accept(t, c.limits)
			if _, err := peer.Write(c.head); err != nil {
				t.Fatal(err)
			}
			if err := end(t, server); !errors.Is(err, ErrLength) || !bytes.Contains([]byte(err.Error()), []byte(c.text)) {
				t.Errorf("ended: %v; want %q", err, c.text)
			}
		})
	}
}

func TestMessageAboveTheLimitInClearSCTPAborts(t *testing.T) {
	limit := func(_ *Dialer, c *ListenConfig) { c.Limits.MaxMessage = 4096 }
	client, server := newBed(t, SCTPUDP, "clear", limit).dial(t)
	send(t, client, 4096, 1)
	want(t, server, 4096, 1)
	send(t, client, 4100, 1)
	if err := end(t, server); !errors.Is(err, ErrLength) {
		t.Errorf("server ended: %v", err)
	}
	if err := end(t, client); !errors.Is(err, ErrAborted) {
		t.Errorf("client ended: %v", err)
	}
}

func TestLongestMessageIsTaken(t *testing.T) {
	peer, server := accept(t, Limits{})
	b := append(message(65535, 7), 0)
	if _, err := peer.Write(b); err != nil {
		t.Fatal(err)
	}
	m, err := server.Receive(within(t))
	if err != nil || !bytes.Equal(m.Payload, b) {
		t.Errorf("%d octets, %v", len(m.Payload), err)
	}
}

// However TCP cuts the octets, the messages are the same.
func TestMessagesAreFoundInAnySegments(t *testing.T) {
	peer, server := accept(t, Limits{})
	if err := peer.SetNoDelay(true); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 400), 1, 20).Draw(rt, "sizes")
		var stream []byte
		for i, n := range sizes {
			stream = append(stream, message(4*n, byte(i))...)
		}
		for b := stream; len(b) > 0; {
			n := rapid.IntRange(1, len(b)).Draw(rt, "segment")
			if _, err := peer.Write(b[:n]); err != nil {
				rt.Fatal(err)
			}
			b = b[n:]
		}
		for i, n := range sizes {
			want(t, server, 4*n, byte(i))
		}
	})
}

func TestPeerThatStallsWithinAMessageIsCutOff(t *testing.T) {
	const patience = 300 * time.Millisecond
	for name, part := range map[string][]byte{
		"in the header": {1, 0},
		"in the body":   append([]byte{1, 0, 0, 100}, make([]byte, 50)...),
		"after another": append(message(8, 1), 1),
	} {
		t.Run(name, func(t *testing.T) {
			peer, server := accept(t, Limits{FrameTimeout: patience})
			<-time.After(2 * patience) // an idle peer may take its time
			start := time.Now()
			if _, err := peer.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := end(t, server); !errors.Is(err, ErrStalled) {
				t.Errorf("ended: %v", err)
			}
			if d := time.Since(start); d < patience || d > 10*patience {
				t.Errorf("cut off after %v", d)
			}
		})
	}
}

func TestStreamThatEndsWithinAMessageIsNoCleanEnd(t *testing.T) {
	for name, part := range map[string][]byte{"header": {1}, "body": {1, 0, 0, 8, 1, 2, 3}} {
		t.Run(name, func(t *testing.T) {
			peer, server := accept(t, Limits{})
			if _, err := peer.Write(append(message(8, 1), part...)); err != nil {
				t.Fatal(err)
			}
			if err := peer.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			want(t, server, 8, 1)
			if err := end(t, server); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("ended: %v", err)
			}
		})
	}
}

// RFC 5354 section 3: the length of a message does not count its padding.
func TestStreamGetsPaddingThatIsMissing(t *testing.T) {
	for name, c := range map[string]struct{ in, out []byte }{
		"padding missing": {[]byte{1, 0, 0, 7, 1, 2, 3}, []byte{1, 0, 0, 7, 1, 2, 3, 0}},
		"padding there":   {[]byte{1, 0, 0, 7, 1, 2, 3, 9}, []byte{1, 0, 0, 7, 1, 2, 3, 9}},
		"length wrong":    {[]byte{1, 0, 0, 9, 1, 2, 3}, []byte{1, 0, 0, 9, 1, 2, 3}},
		"no header":       {[]byte{1, 0, 0}, []byte{1, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			peer, server := accept(t, Limits{})
			if err := server.Send(t.Context(), Message{Payload: c.in}); err != nil {
				t.Fatal(err)
			}
			closed := make(chan error)
			go func() { closed <- server.Close(t.Context()) }()
			got, err := io.ReadAll(peer)
			if err != nil || !bytes.Equal(got, c.out) {
				t.Errorf("got %x, %v; want %x", got, err, c.out)
			}
			if err := peer.Close(); err != nil {
				t.Error(err)
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCloseIsBounded(t *testing.T) {
	peer, server := accept(t, Limits{CloseTimeout: 200 * time.Millisecond})
	if err := server.Close(t.Context()); err == nil { // the peer closes never
		t.Error("closed gracefully")
	}
	<-server.Done()
	if _, err := io.ReadAll(peer); err != nil { // FIN came before RST
		t.Log(err)
	}
}
