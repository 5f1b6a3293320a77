// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Replayer is a node on the path between an element and its registrar (draft section 2.8).
// It records what the element sends, below TLS, and sends it again: into the same
// association, and into a new one. Over TCP it records octets, over SCTP user messages.
type Replayer struct {
	Site
	Door script.Door

	mu   sync.Mutex
	path net.Conn // the element's connection, at the position of the replayer
	sent [][]byte
}

// Position is what the element's association is wrapped in.
func (r *Replayer) Position(raw net.Conn) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.path = raw
	return &overPath{Conn: raw, r: r}
}

type overPath struct {
	net.Conn
	r *Replayer
}

// Write records b and passes it on.
func (p *overPath) Write(b []byte) (int, error) {
	p.r.mu.Lock()
	p.r.sent = append(p.r.sent, append([]byte(nil), b...))
	p.r.mu.Unlock()
	return p.Conn.Write(b)
}

// Mark returns a position in the recording: what is recorded from now on comes after it.
func (r *Replayer) Mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

// Between returns what was recorded between two marks.
func (r *Replayer) Between(from, to int) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte(nil), r.sent[from:min(to, len(r.sent))]...)
}

// Inject sends pieces again in the association that they were recorded in.
func (r *Replayer) Inject(pieces [][]byte) error {
	r.mu.Lock()
	path := r.path
	r.mu.Unlock()
	if path == nil {
		return fmt.Errorf("replay into the same association: %w", ErrNoDoor)
	}
	for _, p := range pieces {
		if _, err := path.Write(p); err != nil {
			return fmt.Errorf("replay into the same association: %w", err)
		}
	}
	return nil
}

// Replay opens a new connection to the same door, sends the pieces, and waits until the far
// end answers or ends it, or Patience is over. The connection stays open for the oracles.
func (r *Replayer) Replay(ctx context.Context, what string, pieces [][]byte) Attempt {
	a := Attempt{What: what + " replayed into a new association", Door: r.Door}
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	conn, hangUp, err := r.raw(ctx)
	if err != nil {
		a.Err = err
		return a
	}
	r.Company.Stay(hangUp)
	for _, p := range pieces {
		if _, err := conn.Write(p); err != nil {
			a.Ended, a.Err = true, err // the far end did not want to hear the rest
			return a
		}
		a.Sent = true
	}
	a.Answer, a.Ended, a.Err = r.hear(ctx, conn)
	return a
}

// raw gives the transport of a new association, without TLS and without framing. Over SCTP
// what is replayed under TLS has no payload protocol identifier, as TLS has none (RFC 3436).
func (r *Replayer) raw(ctx context.Context) (conn net.Conn, hangUp func(), err error) {
	var reader *held
	d := association.Dialer{
		Transport: r.Door.Transport, Local: r.Local(), UDPPort: r.Door.EncapsulationPort,
		Tap: r.Recorder,
		Wrap: script.Position(r.Recorder, true, func(raw net.Conn) net.Conn {
			reader = &held{Conn: raw, released: make(chan struct{})}
			return reader
		}),
	}
	if !r.Door.Secured {
		d.PPID = r.Door.Protocol.PPID()
	}
	a, err := d.Dial(ctx, r.Door.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("%s at %s: %w", Name, r.Door.Addr, err)
	}
	return reader.Conn, func() {
		close(reader.released)
		_ = a.Abort("replayed") // nothing is left to lose
	}, nil
}

// held keeps the association's own reader away from what the replayer reads itself.
type held struct {
	net.Conn
	released chan struct{}
}

// Read waits until the replayer hangs up.
func (h *held) Read([]byte) (int, error) {
	<-h.released
	return 0, net.ErrClosed
}

// hear reads what the far end says to what was replayed: one answer in clear, and under
// TLS, where an answer cannot be read, until the far end ends the connection or ctx is over.
func (r *Replayer) hear(ctx context.Context, conn net.Conn) (answer wire.Message, ended bool, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetReadDeadline(deadline); err != nil {
			return nil, false, err
		}
	}
	var said []byte
	buffer := make([]byte, 1<<16) // the longest message
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, !errors.Is(err, os.ErrDeadlineExceeded), err
		}
		if r.Door.Secured {
			continue
		}
		said = append(said, buffer[:n]...)
		if len(said) < wire.HeaderLength {
			continue
		}
		length, err := wire.FrameLength([wire.HeaderLength]byte(said))
		switch {
		case err != nil:
			return nil, false, err
		case len(said) >= length:
			answer, err = wire.Decode(r.Door.Protocol, said[:length], &r.Wire)
			return answer, false, err
		}
	}
}
