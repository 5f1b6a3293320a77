// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Bug is one planted bug.
type Bug struct {
	Name string
	// Kind and Rule are what a finding has to say about it; Rule is a part of its title.
	Kind monitor.Kind
	Rule string
	// Budget is the number of cases within which it is found, and Messages how many its script
	// has at most.
	Budget   uint64
	Messages int
	Clear    bool // in a registrar without security

	Config func(*registrar.Config) // changes a defence
	New    func(*State) Hooks      // what is around the registrar
}

// Hooks are where bugs sit.
type Hooks struct {
	Receive func(p wire.Protocol, m *association.Message, a association.Association)
	Send    func(p wire.Protocol, m association.Message) []association.Message
}

// State is what a bug remembers of one life of the registrar.
type State struct {
	hoarded atomic.Int64 // octets
	count   atomic.Int64
	owners  map[wire.ServerID]wire.ServerID // nobody makes it
	known   sync.Map
	mu      sync.Mutex      // what a bug may forget to release
	over    <-chan struct{} // the registrar has ended
}

func newState(over <-chan struct{}) *State { return &State{over: over} }

// hoard keeps memory.
func (s *State) hoard(octets int64) { s.hoarded.Add(octets) }

// rest waits, unless the registrar ends.
func (s *State) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.over:
	}
}

// lock takes the registrar's lock; false when it ended before.
func (s *State) lock() bool {
	for !s.mu.TryLock() {
		select {
		case <-s.over:
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

// seen counts associations.
func (s *State) seen(a association.Association) {
	if _, known := s.known.LoadOrStore(a, nil); !known {
		s.count.Add(1)
	}
}

// forever is a loop that does not end before the registrar does.
func (s *State) forever() { <-s.over }

// parameters calls f for each parameter of the message, nested ones of a pool element too, as a
// decoder does that checks nothing but that it stays within the message.
func parameters(b []byte, f func(typ uint16, length int, value []byte)) {
	if len(b) < wire.HeaderLength {
		return
	}
	walk(b[wire.HeaderLength:], f)
}

func walk(b []byte, f func(typ uint16, length int, value []byte)) {
	const elementFixed = 12 // octets before the parameters of a pool element
	for len(b) >= wire.HeaderLength {
		typ, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		value := b[wire.HeaderLength:min(max(n, wire.HeaderLength), len(b))]
		f(typ, n, value)
		if wire.ParameterType(typ) == wire.ParameterPoolElement && len(value) > elementFixed {
			walk(value[elementFixed:], f)
		}
		if n < wire.HeaderLength || n > len(b) {
			return
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

// decoded returns the message, nil when even a lenient decoder refuses it.
func decoded(p wire.Protocol, b []byte) wire.Message {
	o := wire.Lenient()
	m, err := wire.Decode(p, b, &o)
	if err != nil {
		return nil
	}
	return m
}
