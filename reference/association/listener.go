// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// acceptPause lets a process without file descriptors get some back.
const acceptPause = 10 * time.Millisecond

// listener is the Listener of all transports.
type listener struct {
	config ListenConfig
	addr   netip.AddrPort
	stop   func() // ends taking new peers

	ctx    context.Context // of the handshakes
	cancel context.CancelFunc
	slots  chan struct{} // a token for each handshake or association to accept
	ready  chan *carrier

	mu      sync.Mutex
	closed  bool
	live    int // associations, handshakes included
	running sync.WaitGroup
}

func newListener(c ListenConfig) *listener {
	l := &listener{config: c, addr: c.Addr, slots: make(chan struct{}, c.Limits.Handshakes), ready: make(chan *carrier)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// listenTCP opens the socket and accepts.
func (l *listener) listenTCP(ctx context.Context) error {
	var n net.ListenConfig
	s, err := n.Listen(ctx, "tcp", l.addr.String())
	if err != nil {
		return err
	}
	l.addr = unmapped(s.Addr().(*net.TCPAddr).AddrPort())
	l.stop = func() { _ = s.Close() }
	l.running.Go(func() { l.acceptTCP(s.(*net.TCPListener)) })
	return nil
}

// acceptTCP takes connections while there are slots; the others wait in the
// kernel.
func (l *listener) acceptTCP(s *net.TCPListener) {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
		c, err := s.AcceptTCP()
		if err != nil {
			<-l.slots
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		remote := unmapped(c.RemoteAddr().(*net.TCPAddr).AddrPort())
		if !l.begin(remote, func(context.Context) (transport, error) {
			return newTCP(c, l.config.Tap, l.config.Liveness, false)
		}, func() { _ = c.Close() }) {
			_ = c.SetLinger(0)
			_ = c.Close()
			<-l.slots
			l.report(remote, fmt.Errorf("%w: %d", ErrTooMany, l.config.Limits.Associations))
		}
	}
}

// listenSCTP takes INITs while there are slots; the others are lost.
func (l *listener) listenSCTP() error {
	e, kind := l.config.Stack.endpoint, l.config.Stack.transport
	o := sctpOptions(l.config.PPID, l.config.Limits, l.config.Liveness, l.config.TLS != nil)
	port, err := e.Listen(sctp.ListenConfig{
		Port: l.addr.Port(), Trace: packetTap(l.config.Tap, kind),
		Serve: func(in *sctp.Incoming) bool {
			select {
			case l.slots <- struct{}{}:
			default:
				return false
			}
			begun := l.begin(in.Remote(), func(ctx context.Context) (transport, error) {
				c, err := in.Handshake(ctx, o)
				if err != nil {
					return nil, explainSetup(err)
				}
				return &sctpTransport{sctpConn: c, kind: kind}, nil
			}, in.Close)
			if !begun {
				<-l.slots
			}
			return begun
		},
	})
	if err != nil {
		return err
	}
	l.addr = netip.AddrPortFrom(e.Local().Addr(), port)
	l.stop = func() { e.Unlisten(port) }
	return nil
}

// begin runs a handshake in the slot that the caller has taken. It returns false
// when there are too many associations or the listener is closed.
func (l *listener) begin(remote netip.AddrPort, connect func(context.Context) (transport, error), forget func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.live >= l.config.Limits.Associations {
		return false
	}
	l.live++
	l.running.Go(func() {
		defer func() { <-l.slots }()
		if err := l.handshake(connect, forget); err != nil {
			l.ended()
			l.report(remote, err)
		}
	})
	return true
}

// handshake sets up one association and waits until it is accepted.
func (l *listener) handshake(connect func(context.Context) (transport, error), forget func()) error {
	ctx, cancel := context.WithTimeout(l.ctx, l.config.Limits.HandshakeTimeout)
	defer cancel()
	t, err := connect(ctx)
	if err != nil {
		forget()
		return err
	}
	c := &l.config
	s := setup{tls: c.TLS, begin: tlspsk.Server, ppid: c.PPID, limits: c.Limits, wrap: c.Wrap, ended: l.ended}
	a, err := s.build(ctx, t)
	if err != nil {
		return err
	}
	select {
	case l.ready <- a:
	case <-l.ctx.Done():
		_ = a.Abort("listener closed")
	}
	return nil
}

// ended counts an association or a handshake out.
func (l *listener) ended() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live--
}

// report tells of a failed handshake, unless we ended it by closing.
func (l *listener) report(remote netip.AddrPort, err error) {
	if l.config.OnHandshakeError != nil && l.ctx.Err() == nil {
		l.config.OnHandshakeError(remote, err)
	}
}

// Accept implements Listener.
func (l *listener) Accept(ctx context.Context) (Association, error) {
	select {
	case a := <-l.ready:
		return a, nil
	case <-l.ctx.Done():
		return nil, fmt.Errorf("association: accept: %w", ErrClosed)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Addr implements Listener.
func (l *listener) Addr() netip.AddrPort { return l.addr }

// Close implements Listener.
func (l *listener) Close() error {
	l.mu.Lock()
	already := l.closed
	l.closed = true
	l.mu.Unlock()
	if !already {
		l.stop()
		l.cancel()
	}
	l.running.Wait()
	return nil
}
