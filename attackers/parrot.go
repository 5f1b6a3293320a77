// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Parrot stands where a registrar stood and says what that one said, octet for octet, to
// whoever says something (draft section 2.8).
type Parrot struct {
	Site
	Pieces [][]byte // what the registrar wrote, below TLS
}

// Stand opens the parrot's door. What it understands of the answers is heard: in clear
// everything, under TLS nothing.
func (p *Parrot) Stand(ctx context.Context, door script.Door) (*RogueRegistrar, error) {
	r := &RogueRegistrar{Pose: "what the registrar said before", spoken: make(chan struct{})}
	door.Secured = false // it can only repeat
	var err error
	r.Station, err = script.Listen(ctx, script.StationOptions{
		Name: "parrot", Peer: "pe", Wire: p.dialect(), Recorder: p.Recorder, Hostile: true,
		Wrap:      func(raw net.Conn) net.Conn { return &parroted{Conn: raw, pieces: p.Pieces} },
		OnMessage: func(_ *script.Node, m wire.Message) bool { r.hear(m); return false },
	}, door)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return r, nil
}

// parroted says everything once something was said to it.
type parroted struct {
	net.Conn
	pieces [][]byte
	once   sync.Once
}

// Read returns what was said, and answers it.
func (p *parroted) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err != nil {
		return n, err
	}
	p.once.Do(func() {
		for _, piece := range p.pieces {
			if _, err := p.Conn.Write(piece); err != nil {
				return // the far end did not want to hear the rest
			}
		}
	})
	return n, nil
}
