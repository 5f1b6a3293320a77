// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/reference/association"
)

// Sabotage is a fault of the harness itself. With one a check must never pass, and never
// hold anything against the system under test.
type Sabotage string

// The faults of the harness.
const (
	MuteAttackers Sabotage = "mute-attackers" // what attackers send is lost, and nobody is on the path
	DeafCanary    Sabotage = "deaf-canary"    // from the first attack on, honest nodes hear nothing
	BlindOracle   Sabotage = "blind-oracle"   // those who look for effects see nothing
)

// Sabotages returns all faults of the harness.
func Sabotages() []Sabotage { return []Sabotage{MuteAttackers, DeafCanary, BlindOracle} }

// interference counts what attackers send, so that an attack of which nothing left the
// harness is none, and carries out a sabotage.
type interference struct {
	sabotage Sabotage
	sent     atomic.Int64 // what attackers wrote to a transport, or sent as a datagram
	attacked atomic.Bool  // the first attack has begun
}

// Position implements script.Interferer.
func (i *interference) Position(hostile bool, wrap func(net.Conn) net.Conn) func(net.Conn) net.Conn {
	if wrap != nil && !hostile && i.sabotage == MuteAttackers {
		wrap = nil // nobody is on the path
	}
	onPath := hostile || wrap != nil
	if !onPath && i.sabotage != DeafCanary {
		return nil
	}
	return func(c net.Conn) net.Conn {
		switch {
		case onPath:
			c = count(c, &i.sent)
			if hostile && i.sabotage == MuteAttackers {
				c = &mute{Conn: c}
			}
		default:
			c = &deaf{Conn: c, from: &i.attacked}
		}
		if wrap != nil {
			c = wrap(c)
		}
		return c
	}
}

// Datagram implements script.Interferer.
func (i *interference) Datagram() bool {
	if i.sabotage == MuteAttackers {
		return false
	}
	i.sent.Add(1)
	return true
}

// count counts what is written to c, and keeps what c says of messages.
func count(c net.Conn, sent *atomic.Int64) net.Conn {
	if m, ok := c.(association.MessageConn); ok {
		return &countedMessages{MessageConn: m, sent: sent}
	}
	return &counted{Conn: c, sent: sent}
}

type counted struct {
	net.Conn
	sent *atomic.Int64
}

// Write counts what the transport took. It is counted before it is sent: the far end may
// answer, and end the step, before the writer goes on.
func (c *counted) Write(b []byte) (int, error) {
	c.sent.Add(1)
	n, err := c.Conn.Write(b)
	if n == 0 {
		c.sent.Add(-1)
	}
	return n, err
}

type countedMessages struct {
	association.MessageConn
	sent *atomic.Int64
}

// Write counts as that of counted does.
func (c *countedMessages) Write(b []byte) (int, error) {
	c.sent.Add(1)
	n, err := c.MessageConn.Write(b)
	if n == 0 {
		c.sent.Add(-1)
	}
	return n, err
}

// WriteMessage counts as Write does.
func (c *countedMessages) WriteMessage(m association.Message) error {
	c.sent.Add(1)
	err := c.MessageConn.WriteMessage(m)
	if err != nil {
		c.sent.Add(-1)
	}
	return err
}

// mute loses what is written to it.
type mute struct{ net.Conn }

// Write loses b.
func (m *mute) Write(b []byte) (int, error) { return len(b), nil }

// deaf loses what arrives once from is set.
type deaf struct {
	net.Conn
	from *atomic.Bool
}

// Read returns what arrived before.
func (d *deaf) Read(b []byte) (int, error) {
	for {
		n, err := d.Conn.Read(b)
		if err != nil || !d.from.Load() {
			return n, err
		}
	}
}
