// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"fmt"
	"net"
	"sync"
)

// Taper is a node on the path to a registrar that records what the registrar sends, below
// TLS, and plays it to whoever comes later (draft section 2.8): once more in the same
// association, or from the first octet on to who sets up a new one. Over TCP it gets the
// octets of one write at a time, over SCTP a user message.
type Taper struct {
	mu       sync.Mutex
	paths    []*taped
	play     [][]byte // to the next association; nil: the registrar speaks for itself
	injected int
	played   int
}

// Position is what the associations of the registrar are wrapped in.
func (t *Taper) Position(raw net.Conn) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := &taped{Conn: raw, t: t, play: t.play}
	t.play = nil
	t.paths = append(t.paths, p)
	return p
}

// Tape is what the registrar has sent in one association.
type Tape [][]byte

// Latest returns the tape of the association that was set up last, nil when there was none.
func (t *Taper) Latest() Tape {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.paths) == 0 {
		return nil
	}
	return append(Tape(nil), t.paths[len(t.paths)-1].sent...)
}

// Inject plays pieces in the association that was set up last.
func (t *Taper) Inject(pieces Tape) error {
	t.mu.Lock()
	if len(t.paths) == 0 {
		t.mu.Unlock()
		return fmt.Errorf("replay into the same association: %w", ErrNoDoor)
	}
	path := t.paths[len(t.paths)-1]
	t.mu.Unlock()
	for _, p := range pieces {
		if _, err := path.Conn.Write(p); err != nil {
			return fmt.Errorf("replay into the same association: %w", err)
		}
		t.mu.Lock()
		t.injected++
		t.mu.Unlock()
	}
	return nil
}

// Play has the next association hear the tape in place of the registrar, as soon as it has
// said something.
func (t *Taper) Play(tape Tape) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.play = append(Tape{}, tape...)
}

// Replayed counts the pieces that were injected, and those that were played.
func (t *Taper) Replayed() (injected, played int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.injected, t.played
}

// taped is an association with a registrar, with the taper on it.
type taped struct {
	net.Conn
	t    *Taper
	sent [][]byte // guarded by Taper.mu
	play [][]byte // what it hears instead; nil: the registrar
}

// Write records b and passes it on, or is not heard.
func (p *taped) Write(b []byte) (int, error) {
	if p.play != nil {
		return len(b), nil
	}
	p.t.mu.Lock()
	p.sent = append(p.sent, append([]byte(nil), b...))
	p.t.mu.Unlock()
	return p.Conn.Write(b)
}

// Read passes on what comes. Who hears a tape hears all of it when it first says something.
func (p *taped) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if err != nil || len(p.play) == 0 {
		return n, err
	}
	for _, piece := range p.play {
		if _, err := p.Conn.Write(piece); err != nil {
			return 0, err
		}
		p.t.mu.Lock()
		p.t.played++
		p.t.mu.Unlock()
	}
	p.play = [][]byte{}
	return n, nil
}
