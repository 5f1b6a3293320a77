// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Tamperer is a node on the path (draft section 2.10) that changes what passes: it flips
// bits, cuts messages short, turns their order round and sends them twice, in either
// direction. It stands below TLS and knows no key. Over TCP it gets the octets of one write
// at a time, over SCTP a user message.
//
// It lets everything through until it is told to tamper, and again after it has.
type Tamperer struct {
	mu   sync.Mutex
	plan [2]*Tampering // by direction; nil: nothing is to be done
	held [2][]byte     // the first of two that change places
	done []Tampered
	more chan struct{} // closed and replaced when done grows
}

// Direction is seen from the node at whose place the tamperer stands.
type Direction uint8

// The directions.
const (
	Sent Direction = iota
	Received
)

// String returns "sent" or "received".
func (d Direction) String() string {
	if d == Received {
		return "received"
	}
	return "sent"
}

// Tampering is one way to change what passes.
type Tampering struct {
	What string // "a bit flipped"
	kind tampering
	// Of a flipped bit: where it is.
	field  []byte
	offset int
}

type tampering uint8

const (
	flipping tampering = iota
	cutting
	swapping
	repeating
)

// Flip flips the last bit of field. In a message that can be read the field is found by its
// octets. In a TLS record it is offset octets from the beginning of the message, as an
// attacker knows who knows the layout of messages, and prefix more from the end of the
// record header; see RecordPrefix.
func Flip(field []byte, offset, prefix int) Tampering {
	return Tampering{What: "a bit flipped", kind: flipping, field: field, offset: tlsHeader + prefix + offset + len(field) - 1}
}

// Cut leaves the last four octets of the next piece out.
func Cut() Tampering { return Tampering{What: "its end cut off", kind: cutting} }

// Swap has the next two pieces change places.
func Swap() Tampering {
	return Tampering{What: "its order with the next one turned round", kind: swapping}
}

// Repeat sends the next piece twice.
func Repeat() Tampering { return Tampering{What: "repeated", kind: repeating} }

const (
	tlsHeader = 5 // of a record (RFC 5246 section 6.2.1)
	cutOctets = 4 // a parameter of a message is never shorter
)

// RecordPrefix is the number of octets between the header of a record and what it hides, for
// the suite that a handshake agreed on, which everybody on the path can read.
func RecordPrefix(s tlspsk.State) int {
	switch {
	case s.Version == tlspsk.TLS13.String():
		return 0
	case strings.Contains(s.CipherSuite, "NULL"):
		return 0
	case strings.Contains(s.CipherSuite, "CHACHA20"):
		return 0
	case strings.Contains(s.CipherSuite, "GCM"), strings.Contains(s.CipherSuite, "CCM"):
		return 8 // the explicit nonce (RFC 5288 section 3)
	default:
		return 16 // the initialization vector of AES-CBC
	}
}

// Tampered is something that a tamperer did.
type Tampered struct {
	What      string
	Direction Direction
	Octets    int // of the piece, before
}

// String tells it in a few words.
func (t Tampered) String() string {
	return fmt.Sprintf("%s, %d octets, %s", t.Direction, t.Octets, t.What)
}

// Tamper has the tampering done to the next piece in that direction.
func (t *Tamperer) Tamper(d Direction, how Tampering) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plan[d] = &how
}

// Await waits until something was done beyond the first known ones. What the far end says
// next is said to what was tampered with.
func (t *Tamperer) Await(ctx context.Context, known int) error {
	for {
		t.mu.Lock()
		if len(t.done) > known {
			t.mu.Unlock()
			return nil
		}
		if t.more == nil {
			t.more = make(chan struct{})
		}
		more := t.more
		t.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("%s: nothing passed that could be tampered with: %w", Name, ctx.Err())
		}
	}
}

// Done returns what was done so far.
func (t *Tamperer) Done() []Tampered {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Tampered(nil), t.done...)
}

// Position is what the node's association is wrapped in.
func (t *Tamperer) Position(raw net.Conn) net.Conn { return &tampered{Conn: raw, t: t} }

// alter returns what goes on in place of piece.
func (t *Tamperer) alter(d Direction, piece []byte) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first := t.held[d]; first != nil {
		t.held[d] = nil
		return [][]byte{piece, first}
	}
	how := t.plan[d]
	if how == nil {
		return [][]byte{piece}
	}
	piece = bytes.Clone(piece)
	length := len(piece)
	out := [][]byte{piece}
	switch how.kind {
	case flipping:
		at := how.offset
		if i := bytes.LastIndex(piece, how.field); i >= 0 {
			at = i + len(how.field) - 1
		} else if at >= length || piece[0] != applicationData {
			return out // it is not in this piece
		}
		piece[at] ^= 1
	case cutting:
		if length <= cutOctets {
			return out
		}
		out = [][]byte{piece[:length-cutOctets]}
	case swapping:
		t.held[d], out = piece, nil
	case repeating:
		out = [][]byte{piece, piece}
	}
	t.plan[d] = nil
	t.done = append(t.done, Tampered{What: how.What, Direction: d, Octets: length})
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
	return out
}

// applicationData is the type of the records that hide messages (RFC 5246 section 6.2.1).
const applicationData = 23

// tampered is a connection with a tamperer on it.
type tampered struct {
	net.Conn
	t       *Tamperer
	pending [][]byte // received and not read yet
	buffer  []byte
}

// Write passes on what becomes of b.
func (c *tampered) Write(b []byte) (int, error) {
	for _, piece := range c.t.alter(Sent, b) {
		if _, err := c.Conn.Write(piece); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// maxPiece is longer than any user message and any record.
const maxPiece = 1<<16 + 1

// Read returns what became of what was received. One goroutine reads at a time.
func (c *tampered) Read(b []byte) (int, error) {
	for len(c.pending) == 0 {
		if c.buffer == nil {
			c.buffer = make([]byte, maxPiece)
		}
		n, err := c.Conn.Read(c.buffer)
		if err != nil {
			return n, err
		}
		for _, piece := range c.t.alter(Received, c.buffer[:n]) {
			c.pending = append(c.pending, bytes.Clone(piece))
		}
	}
	n := copy(b, c.pending[0])
	if c.pending[0] = c.pending[0][n:]; len(c.pending[0]) == 0 {
		c.pending = c.pending[1:]
	}
	return n, nil
}
