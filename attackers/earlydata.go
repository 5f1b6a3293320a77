// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// EarlyData plays an element that sends payload as TLS 1.3 early data, and the node on the
// path that records its first flight. Early data is the one part of TLS that a stranger can
// replay (RFC 8446 section 8). accepted tells whether the registrar took it.
func (r *Replayer) EarlyData(ctx context.Context, config *tlspsk.Config, payload []byte) (flight [][]byte, accepted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	conn, hangUp, err := r.raw(ctx)
	if err != nil {
		return nil, false, err
	}
	defer hangUp()
	recording := &overPath{Conn: conn, r: &Replayer{}}
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
	return recording.r.Between(0, recording.r.Mark()), true, awaitAnswer(ctx, client)
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
