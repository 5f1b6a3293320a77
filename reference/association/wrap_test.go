// SPDX-License-Identifier: Apache-2.0

package association

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
)

// spy is somebody on the path: it counts Writes and may alter them.
type spy struct {
	net.Conn
	mu     sync.Mutex
	writes [][]byte
	alter  func([]byte) []byte
}

func (s *spy) Write(b []byte) (int, error) {
	s.mu.Lock()
	s.writes = append(s.writes, bytes.Clone(b))
	alter := s.alter
	s.mu.Unlock()
	if alter != nil {
		if _, err := s.Conn.Write(alter(bytes.Clone(b))); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return s.Conn.Write(b)
}

func TestWrapSeesMessagesAndMayAlterThem(t *testing.T) {
	for _, tr := range everyTransport {
		t.Run(string(tr), func(t *testing.T) {
			s := &spy{alter: func(b []byte) []byte { b[4] ^= 0xff; return b }}
			client, server := newBed(t, tr, "clear", func(d *Dialer, _ *ListenConfig) {
				d.Wrap = func(c net.Conn) net.Conn { s.Conn = c; return s }
			}).dial(t)
			send(t, client, 60000, 1)
			m, err := server.Receive(within(t))
			if err != nil || m.PPID != 11 || m.Payload[4] != 1^0xff || len(m.Payload) != 60000 {
				t.Fatalf("%d octets, %v", len(m.Payload), err)
			}
			if !bytes.Equal(s.writes[0], message(60000, 1)) {
				t.Error("the spy saw something else")
			}
			send(t, server, 60000, 2)
			want(t, client, 60000, 2)
			closeNow(t, client)
		})
	}
}

// RFC 3436: one TLS record is one user message.
func TestWrapUnderTLSSeesOneRecordAMessage(t *testing.T) {
	for _, security := range []string{"psk", "certificate"} {
		t.Run(security, func(t *testing.T) {
			s := &spy{}
			client, server := newBed(t, SCTPUDP, security, func(d *Dialer, _ *ListenConfig) {
				d.Wrap = func(c net.Conn) net.Conn { s.Conn = c; return s }
			}).dial(t)
			send(t, client, 60000, 1)
			want(t, server, 60000, 1)
			closeNow(t, client)
			for i, b := range s.writes {
				if len(b) < 5 || len(b) != 5+int(b[3])<<8+int(b[4]) {
					t.Errorf("message %d of %d octets: %.8x", i, len(b), b)
				}
			}
		})
	}
}

func TestTamperedRecordEndsTheAssociation(t *testing.T) {
	for _, tr := range everyTransport {
		for _, security := range []string{"psk", "certificate"} {
			t.Run(string(tr)+"/"+security, func(t *testing.T) {
				s := &spy{}
				client, server := newBed(t, tr, security, func(d *Dialer, _ *ListenConfig) {
					d.Wrap = func(c net.Conn) net.Conn { s.Conn = c; return s }
				}).dial(t)
				send(t, client, 100, 1)
				want(t, server, 100, 1)
				s.mu.Lock()
				s.alter = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
				s.mu.Unlock()
				send(t, client, 100, 2)
				if err := end(t, server); errors.Is(err, ErrClosed) || errors.Is(err, ErrAborted) {
					t.Errorf("server ended: %v", err)
				}
				if err := end(t, client); err == nil {
					t.Error("client goes on")
				}
			})
		}
	}
}

// holder keeps what it reads to itself until it is closed.
type holder struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (h *holder) Read([]byte) (int, error) {
	<-h.closed
	return 0, net.ErrClosed
}

func (h *holder) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

func TestAWrapThatHoldsBackDoesNotHoldUpTheEnd(t *testing.T) {
	for _, tr := range everyTransport {
		t.Run(string(tr), func(t *testing.T) {
			b := newBed(t, tr, "clear", func(d *Dialer, _ *ListenConfig) {
				d.Wrap = func(c net.Conn) net.Conn { return &holder{Conn: c, closed: make(chan struct{})} }
			})
			client, _ := b.dial(t)
			if err := client.Abort("no more"); err != nil { // hangs where it does not end
				t.Error(err)
			}
			if !errors.Is(client.Err(), ErrClosed) {
				t.Errorf("ended as %v", client.Err())
			}
		})
	}
}
