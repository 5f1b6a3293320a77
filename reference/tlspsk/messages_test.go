// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// messageConn is a transport that preserves messages as SCTP does: what a Read has
// no room for is lost.
type messageConn struct {
	in, out chan []byte
	closed  chan struct{}
	gone    chan struct{} // the peer has closed
	once    sync.Once
	mu      sync.Mutex
	sent    []int // sizes
	bad     int   // messages that are not one record
	cut     int   // messages read into too little room
}

func messagePair() (*messageConn, *messageConn) {
	x, y := make(chan []byte, 16), make(chan []byte, 16)
	p, q := make(chan struct{}), make(chan struct{})
	return &messageConn{in: x, out: y, closed: p, gone: q}, &messageConn{in: y, out: x, closed: q, gone: p}
}

func (m *messageConn) Write(p []byte) (int, error) {
	m.mu.Lock()
	m.sent = append(m.sent, len(p))
	if len(p) < recordHeader || recordHeader+int(p[3])<<8+int(p[4]) != len(p) {
		m.bad++
	}
	m.mu.Unlock()
	select {
	case m.out <- append([]byte(nil), p...):
		return len(p), nil
	case <-m.closed:
		return 0, net.ErrClosed
	}
}

func (m *messageConn) Read(p []byte) (int, error) {
	var b []byte
	select {
	case b = <-m.in: // what was sent before the end comes first
	default:
		select {
		case b = <-m.in:
		case <-m.closed:
			return 0, net.ErrClosed
		case <-m.gone:
			select {
			case b = <-m.in:
			default:
				return 0, io.EOF
			}
		}
	}
	if len(b) > len(p) {
		m.mu.Lock()
		m.cut++
		m.mu.Unlock()
	}
	return copy(p, b), nil
}

func (m *messageConn) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *messageConn) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (m *messageConn) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (m *messageConn) SetDeadline(time.Time) error      { return nil }
func (m *messageConn) SetReadDeadline(time.Time) error  { return nil }
func (m *messageConn) SetWriteDeadline(time.Time) error { return nil }

func (m *messageConn) messages() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sent)
}

func messages(c *Config) { c.Messages = true }

// RFC 3436 section 4: TLS records and user messages correspond.
func TestEachMessageIsOneRecord(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		cc.Messages, sc.Messages = true, true
		a, b := messagePair()
		client, server := wrap(t, a, b, cc, sc)
		if ce, se := shake(t, client, server); ce != nil || se != nil {
			t.Fatal(ce, se)
		}
		for _, n := range []int{1, 100, 5000, maxPlaintext} {
			before := a.messages()
			if _, err := client.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
			if got := a.messages() - before; got != 1 {
				t.Errorf("a Write of %d octets made %d messages", n, got)
			}
			if _, err := io.ReadFull(server, make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		duplex(t, client, server, 1<<20)
		for _, m := range []*messageConn{a, b} {
			m.mu.Lock()
			if m.bad != 0 || m.cut != 0 {
				t.Errorf("of %d messages %d are not one record, %d were cut", len(m.sent), m.bad, m.cut)
			}
			m.mu.Unlock()
		}
		client.Close()
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after close_notify: %v", err)
		}
	})
}

func TestEndOfAssociationIsNotEOF(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		cc.Messages, sc.Messages = true, true
		a, b := messagePair()
		client, server := wrap(t, a, b, cc, sc)
		if ce, se := shake(t, client, server); ce != nil || se != nil {
			t.Fatal(ce, se)
		}
		a.Close()
		if _, err := server.Read(make([]byte, 1)); err != io.ErrUnexpectedEOF {
			t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
		}
	})
}

func TestEarlyDataOverMessages(t *testing.T) {
	a, b := messagePair()
	client, server := wrap(t, a, b, pskClient(earlyOn, messages), pskServer(earlyOn, messages))
	if _, err := client.(EarlyDataWriter).WriteEarlyData([]byte("early")); err != nil {
		t.Fatal(err)
	}
	go client.HandshakeContext(t.Context())
	got := make([]byte, 5)
	if _, err := io.ReadFull(server, got); string(got) != "early" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if a.bad != 0 {
		t.Errorf("%d messages are not one record", a.bad)
	}
}

func TestRefusalOverMessages(t *testing.T) {
	a, b := messagePair()
	client, server := wrap(t, a, b, certClient(newAuthority(t), messages), pskServer(messages))
	ce, _ := shake(t, client, server)
	wantAlerts(t, ce, "", "handshake_failure")
}
