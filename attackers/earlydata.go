// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// EarlyData plays an element that sends payload as TLS 1.3 early data, and the node on the
// path that records its first flight. Early data is the one part of TLS that a stranger can
// replay (RFC 8446 section 8). accepted tells whether the registrar took it; with an error too,
// if it did not answer. The error is ErrNotMade where nobody was reached.
func (r *Replayer) EarlyData(ctx context.Context, config *tlspsk.Config, payload []byte) (flight [][]byte, accepted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	conn, hangUp, err := r.raw(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrNotMade, err)
	}
	defer hangUp()
	recording := &firstFlight{Conn: conn}
	config.AllowEarlyData, config.MinVersion, config.MaxVersion = true, tlspsk.TLS13, tlspsk.TLS13
	config.Messages, config.KeyLog = r.Door.Transport != association.TCP, r.Recorder
	client, err := tlspsk.Client(recording, config)
	if err != nil {
		return nil, false, fmt.Errorf("early data: %w", err)
	}
	early, ok := client.(tlspsk.EarlyDataWriter)
	if !ok {
		return nil, false, fmt.Errorf("early data: %w", tlspsk.ErrEarlyData)
	}
	if _, err := early.WriteEarlyData(payload); err != nil {
		return nil, false, fmt.Errorf("early data: %w", err)
	}
	if err := client.HandshakeContext(ctx); err != nil {
		return nil, false, fmt.Errorf("early data: %w", err)
	}
	if !client.State().EarlyData {
		return nil, false, nil
	}
	return recording.pieces(), true, awaitAnswer(ctx, client)
}

// firstFlight records what is written before anything is read. What comes after that is
// bound to the server's answer: a server that gets it in one piece with replayed early data
// ends the handshake before it has looked at the early data.
type firstFlight struct {
	net.Conn
	mu   sync.Mutex
	sent [][]byte
	over bool
}

// Write records b and passes it on.
func (f *firstFlight) Write(b []byte) (int, error) {
	f.mu.Lock()
	if !f.over {
		f.sent = append(f.sent, append([]byte(nil), b...))
	}
	f.mu.Unlock()
	return f.Conn.Write(b)
}

// Read ends the recording with the first octet.
func (f *firstFlight) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if n > 0 {
		f.mu.Lock()
		f.over = true
		f.mu.Unlock()
	}
	return n, err
}

func (f *firstFlight) pieces() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// awaitAnswer reads once: the registrar has dealt with the early data when it answers.
func awaitAnswer(ctx context.Context, conn net.Conn) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Read(make([]byte, 1<<16)); err != nil {
		return fmt.Errorf("early data was accepted but not answered: %w", err)
	}
	return nil
}
