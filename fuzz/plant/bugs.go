// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Budgets in cases. Over TLS each case that ends its association costs a handshake, so bugs
// that need authentication to be seen have to be found in fewer.
const (
	many = 40_000
	few  = 8_000
)

// Bugs returns the planted bugs.
func Bugs() []Bug { return slices.Concat(parserBugs(), serviceBugs(), defenceBugs()) }

// receives makes hooks of what sees messages.
func receives(f func(s *State, p wire.Protocol, m *association.Message)) func(*State) Hooks {
	return func(s *State) Hooks {
		return Hooks{Receive: func(p wire.Protocol, m *association.Message, _ association.Association) { f(s, p, m) }}
	}
}

// onMessage is for well-formed messages.
func onMessage(f func(s *State, m wire.Message)) func(*State) Hooks {
	return receives(func(s *State, p wire.Protocol, m *association.Message) {
		if d := decoded(p, m.Payload); d != nil {
			f(s, d)
		}
	})
}

// parserBugs are mistakes with octets from the wire.
func parserBugs() []Bug {
	crash := func(name, rule string, new func(*State) Hooks) Bug {
		return Bug{Name: name, Kind: monitor.Crash, Rule: rule, Budget: many, Messages: 2, Clear: true, New: new}
	}
	return []Bug{
		crash("the length of a policy is not checked before its value is read", "index out of range", receives(readPolicy)),
		crash("a missing transport is used", "nil pointer", receives(useTransport)),
		crash("a weight of zero is divided by", "divide by zero", onMessage(divideByWeight)),
		crash("a count from the wire becomes the size of a list", "makeslice", onMessage(makeList)),
		crash("a handle is copied into a buffer of 32 octets", "slice bounds out of range", receives(copyHandle)),
		crash("an unknown message with action 01 is taken for a known one", "index out of range", receives(lookUp)),
		crash("an update action is an index", "index out of range", receives(indexAction)),
		crash("taking over oneself is not thought of", "assignment to entry in nil map", onMessage(takeOverSelf)),
		{
			Name: "a parameter of length zero is read again and again", Kind: monitor.Hang, Rule: "not answered",
			Budget: many, Messages: 2, Clear: true, New: receives(readAgain),
		},
		{
			Name: "as much memory is taken as a length says", Kind: monitor.Memory, Rule: "grows",
			Budget: many, Messages: 2, Clear: true, New: receives(takeMemory),
		},
	}
}

func readPolicy(_ *State, p wire.Protocol, m *association.Message) {
	if p == wire.ASAP && len(m.Payload) > 0 && m.Payload[0] == wire.TypeRegistration {
		parameters(m.Payload, func(typ uint16, _ int, value []byte) {
			if wire.ParameterType(typ) == wire.ParameterPolicy {
				_ = value[3]
			}
		})
	}
}

func useTransport(_ *State, p wire.Protocol, m *association.Message) {
	if p != wire.ASAP || len(m.Payload) == 0 || m.Payload[0] != wire.TypeRegistration {
		return
	}
	var transport *[]byte
	elements := 0
	parameters(m.Payload, func(typ uint16, _ int, value []byte) {
		switch t := wire.ParameterType(typ); {
		case t == wire.ParameterPoolElement:
			elements++
		case t >= wire.ParameterDCCP && t <= wire.ParameterUDPLite:
			transport = &value
		}
	})
	if elements > 0 {
		_ = len(*transport)
	}
}

func divideByWeight(_ *State, m wire.Message) {
	if r, ok := m.(*wire.Registration); ok && r.Element.Policy.Type == wire.WeightedRoundRobin {
		_ = 1 / r.Element.Policy.Weight
	}
}

func makeList(_ *State, m wire.Message) {
	if r, ok := m.(*wire.HandleResolution); ok && r.HasItems {
		_ = make([]byte, int32(r.Items))[:0]
	}
}

func copyHandle(_ *State, _ wire.Protocol, m *association.Message) {
	var buffer [32]byte
	parameters(m.Payload, func(typ uint16, _ int, value []byte) {
		if wire.ParameterType(typ) == wire.ParameterPoolHandle {
			_ = buffer[:len(value)]
		}
	})
}

func lookUp(_ *State, p wire.Protocol, m *association.Message) {
	const unknownReport = 0x40
	if p == wire.ASAP && len(m.Payload) > 0 && m.Payload[0]&0xc0 == unknownReport {
		names := wire.MessageTypes(p)
		_ = names[m.Payload[0]&0x3f]
	}
}

func indexAction(_ *State, p wire.Protocol, m *association.Message) {
	const at = 12 // after header, sender and receiver
	if p == wire.ENRP && len(m.Payload) > at+2 && m.Payload[0] == wire.TypeHandleUpdate {
		_ = [...]string{"add", "delete"}[binary.BigEndian.Uint16(m.Payload[at:])]
	}
}

func takeOverSelf(s *State, m wire.Message) {
	if t, ok := m.(*wire.InitTakeover); ok && t.Target == serverID {
		s.owners[t.Target] = t.Sender
	}
}

func readAgain(s *State, _ wire.Protocol, m *association.Message) {
	parameters(m.Payload, func(_ uint16, length int, _ []byte) {
		if length == 0 {
			s.forever()
		}
	})
}

func takeMemory(s *State, p wire.Protocol, m *association.Message) {
	if p == wire.ASAP && len(m.Payload) > 0 && m.Payload[0] == wire.TypeCookie {
		parameters(m.Payload, func(typ uint16, length int, _ []byte) {
			if wire.ParameterType(typ) == wire.ParameterCookie && length > 500 {
				s.hoard(int64(length) << 18)
			}
		})
	}
}

// serviceBugs are mistakes in what a registrar does with well-formed messages.
func serviceBugs() []Bug {
	return []Bug{
		{
			Name: "a lock is not released when an unknown pool is reported", Kind: monitor.Hang, Rule: "not answered",
			Budget: many, Messages: 2, Clear: true, New: loseLock,
		},
		{
			Name: "subscriptions to pools that do not exist are never forgotten", Kind: monitor.Memory, Rule: "grows",
			Budget: many, Messages: 128, Clear: true, New: onMessage(func(s *State, m wire.Message) {
				if r, ok := m.(*wire.HandleResolution); ok && r.Subscribe {
					s.hoard(2 << 20)
				}
			}),
		},
		{
			Name: "a rejection of a long handle is cut", Kind: monitor.Garbage, Rule: "no message",
			Budget: many, Messages: 2, Clear: true, New: func(*State) Hooks { return Hooks{Send: cutAnswer} },
		},
		{
			Name: "an error is answered by errors without end", Kind: monitor.Flood, Rule: "without end",
			Budget: many, Messages: 2, Clear: true, New: answerWithoutEnd,
		},
		{
			Name: "a handle is compared with every other one", Kind: monitor.Slow, Rule: "late",
			Budget: many, Messages: 2, Clear: true, New: onMessage(func(s *State, m wire.Message) {
				if r, ok := m.(*wire.HandleResolution); ok && len(r.PoolHandle) > 4000 {
					s.rest(500 * time.Millisecond)
				}
			}),
		},
		{
			Name: "the response to a registration of element 0 names another", Kind: monitor.Oracle, Rule: "nobody asked for",
			Budget: many, Messages: 2, Clear: true, New: func(*State) Hooks { return Hooks{Send: renameAnswer} },
		},
		{
			Name: "a registration life is ignored", Kind: monitor.Oracle, Rule: "outlives",
			Budget: many, Messages: 2, New: receives(func(_ *State, p wire.Protocol, m *association.Message) {
				if r, ok := decoded(p, m.Payload).(*wire.Registration); ok && r.Element.Life > 0 {
					r.Element.Life = wire.LifeInfinite
					if b, err := wire.Encode(r); err == nil {
						m.Payload = b
					}
				}
			}),
		},
		{
			Name: "associations are counted and never discounted", Kind: monitor.Refused, Rule: "cannot",
			Budget: few, Messages: 128, New: func(s *State) Hooks {
				return Hooks{Receive: func(_ wire.Protocol, _ *association.Message, a association.Association) {
					const most = 300
					if s.seen(a); s.count.Load() > most {
						_ = a.Abort("lack of resources")
					}
				}}
			},
		},
	}
}

func loseLock(s *State) Hooks {
	return Hooks{Receive: func(p wire.Protocol, m *association.Message, _ association.Association) {
		if !s.lock() {
			return
		}
		if r, ok := decoded(p, m.Payload).(*wire.EndpointUnreachable); ok && string(r.PoolHandle) != pool && string(r.PoolHandle) != otherPool {
			return
		}
		s.mu.Unlock()
	}}
}

func cutAnswer(p wire.Protocol, m association.Message) []association.Message {
	if r, ok := decoded(p, m.Payload).(*wire.RegistrationResponse); ok && len(r.PoolHandle) > 32 {
		m.Payload = append([]byte(nil), m.Payload[:16]...)
		binary.BigEndian.PutUint16(m.Payload[2:], 16)
	}
	return []association.Message{m}
}

func answerWithoutEnd(s *State) Hooks {
	return Hooks{
		Receive: func(p wire.Protocol, m *association.Message, _ association.Association) {
			if _, ok := decoded(p, m.Payload).(*wire.ASAPError); ok {
				s.count.Store(1)
			}
		},
		Send: func(p wire.Protocol, m association.Message) []association.Message {
			// What the registrar says of its own goes to somebody else.
			unasked := p != wire.ASAP || m.Payload[0] == wire.TypeEndpointKeepAlive
			if !unasked && s.count.CompareAndSwap(1, 0) {
				return slices.Repeat([]association.Message{m}, 500)
			}
			return []association.Message{m}
		},
	}
}

func renameAnswer(p wire.Protocol, m association.Message) []association.Message {
	if r, ok := decoded(p, m.Payload).(*wire.RegistrationResponse); ok && r.PEID == 0 && !r.Reject {
		r.PEID = 0xbad
		if b, err := wire.Encode(r); err == nil {
			m.Payload = b
		}
	}
	return []association.Message{m}
}
