// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Misleader is a node that poses as a registrar towards pool users (draft section 2.7): it
// answers every resolution with an element of the attacker's choice. It asks nobody for a
// credential.
type Misleader struct {
	*script.Station
	asked atomic.Int64
	shown atomic.Int64 // what it has sent, in writes to a transport
	seen  int64        // of shown, at the end of the last Over
}

// MisleaderSpec describes a Misleader.
type MisleaderSpec struct {
	Door script.Door
	// Certificate is what it shows. With a door in clear it is of no use.
	Certificate *tls.Certificate
	// TLS replaces what it speaks over TLS altogether.
	TLS *tlspsk.Config
	// Element is what it wants users to go to.
	Element  wire.PoolElement
	Recorder script.Recorder
	Wire     wire.Options
}

// Mislead opens the door. A Misleader in clear does not wait to be asked, since who begins a
// TLS handshake will not ask.
func Mislead(ctx context.Context, spec MisleaderSpec, pool string) (*Misleader, error) {
	m := &Misleader{}
	answer := &wire.HandleResolutionResponse{
		PoolHandle: wire.PoolHandle(pool), Policy: spec.Element.Policy, HasPolicy: true, Elements: []wire.PoolElement{spec.Element},
	}
	background := context.WithoutCancel(ctx)
	o := script.StationOptions{
		Name: Name + " as a registrar", Peer: "pu", Hostile: true, TLS: spec.TLS, Wire: spec.Wire, Recorder: spec.Recorder,
		Wrap: func(c net.Conn) net.Conn { return &showing{c, &m.shown} },
		OnMessage: func(n *script.Node, in wire.Message) bool {
			if isResolution(in) {
				m.asked.Add(1)
				_ = n.Send(background, answer) // a user that has left meanwhile is not misled
			}
			return false
		},
	}
	if spec.TLS == nil && spec.Certificate != nil {
		o.TLS = &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{*spec.Certificate}, MinVersion: tls.VersionTLS12}}
	}
	if !spec.Door.Secured {
		o.OnOpen = func(n *script.Node) { _ = n.Send(background, answer) }
	}
	var err error
	if m.Station, err = script.Listen(ctx, o, spec.Door); err != nil {
		return nil, err
	}
	return m, nil
}

func isResolution(m wire.Message) bool {
	_, ok := m.(*wire.HandleResolution)
	return ok
}

// Asked counts the resolutions that users asked for: each of them believed in the attacker.
func (m *Misleader) Asked() int { return int(m.asked.Load()) }

// Over waits until an attempt beyond the first known ones has come and shown what it is: the
// user asks, or it leaves, or it refuses the handshake. The sentence says which. An attempt
// that ended before the attacker could say anything does not count: the user has seen
// nothing yet that it could refuse.
func (m *Misleader) Over(ctx context.Context, known int) (string, error) {
	for {
		if err := m.AwaitAttempt(ctx, known); err != nil {
			return "", err
		}
		known = m.Attempts()
		nodes, refused := m.Nodes(), m.Refused()
		if n := len(nodes); n > 0 {
			switch _, err := nodes[n-1].Await(ctx, isResolution); {
			case err == nil:
				return "the user asks for the pool", nil
			case !errors.Is(err, script.ErrEnded):
				return "", fmt.Errorf("%s: the user neither asks nor leaves: %w", Name, err)
			}
		}
		shown := m.shown.Load()
		if shown == m.seen {
			continue
		}
		m.seen = shown
		if len(refused) > 0 {
			return "the user refuses: " + refused[len(refused)-1].Err.Error(), nil
		}
		return "the user leaves without a question", nil
	}
}

// showing counts what is written.
type showing struct {
	net.Conn
	shown *atomic.Int64
}

// Write counts what the transport took.
func (c *showing) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if n > 0 {
		c.shown.Add(1)
	}
	return n, err
}
