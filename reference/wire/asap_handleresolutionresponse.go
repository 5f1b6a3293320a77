// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// HandleResolutionResponse lists the pool elements of a pool, or refuses with
// causes (RFC 5352 section 2.2.6).
type HandleResolutionResponse struct {
	// UpdatesAccepted is the A flag.
	UpdatesAccepted bool
	PoolHandle      PoolHandle
	// Policy is the pool's policy; RoundRobin after decoding a response
	// without one (HasPolicy false).
	Policy    Policy
	HasPolicy bool
	Elements  []PoolElement
	// Causes present means a negative response, without policy and elements.
	Causes []Cause
	// Ticket is the value of a selection ticket parameter, SelectionTicketLength octets,
	// empty without one; see ParseSelectionTicket.
	Ticket []byte

	skipped
}

// Protocol returns ASAP.
func (*HandleResolutionResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*HandleResolutionResponse) Type() uint8 { return TypeHandleResolutionResponse }

// Name returns the RFC's name.
func (*HandleResolutionResponse) Name() string {
	return messageNames[ASAP][TypeHandleResolutionResponse]
}

// Decode reads one message, see [Message].
func (m *HandleResolutionResponse) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeHandleResolutionResponse, &m.skipped)
	s.extension, s.extensions = ParameterSelectionTicket, 1
	m.UpdatesAccepted = r.flag(flagAccepted)
	m.Policy, m.HasPolicy = Policy{}, false
	m.Elements, m.Causes = m.Elements[:0], m.Causes[:0]
	m.Ticket = nil
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		m.decode(&r, &s, t)
	}
	r.require(&s, inResponseHandle, ParameterPoolHandle)
	m.check(&r, &s)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *HandleResolutionResponse) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeHandleResolutionResponse, flagIf(m.UpdatesAccepted, flagAccepted))
	negative := len(m.Causes) > 0
	if negative && (m.HasPolicy || len(m.Elements) > 0) && !w.o.LooseContent {
		w.fail("operation error", "", uint64(len(m.Elements)), ErrOrder)
	}
	w.handle(m.PoolHandle)
	switch {
	case m.HasPolicy:
		w.policy(&m.Policy)
	case w.o.ExplicitPolicy && !negative:
		w.policy(&Policy{Type: RoundRobin})
	}
	if w.count("pool element", len(m.Elements), w.maxElements(), !negative) {
		w.elements(m.Elements)
	}
	if negative {
		w.causes(m.Causes)
	}
	w.selectionTicket(m.Ticket)
	return w.finish(dst)
}

func (m *HandleResolutionResponse) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Policy = m.Policy.clone()
	c.Ticket = slices.Clone(m.Ticket)
	c.Elements, c.Causes = cloneElements(m.Elements), cloneCauses(m.Causes)
	return &c
}

// flagAccepted is the A flag.
const flagAccepted = 0x01

// Positions of the parameters in a HandleResolutionResponse.
const (
	inResponseHandle = 1 << iota
	inResponsePolicy
	inResponseElements
	inResponseCauses
	inResponseTicket
)

// decode reads one parameter.
func (m *HandleResolutionResponse) decode(r *reader, s *span, t tlv) {
	switch t.typ {
	case ParameterPoolHandle:
		if r.single(s, inResponseHandle, t) {
			m.PoolHandle = r.handle(t)
		}
	case ParameterPolicy:
		if r.single(s, inResponsePolicy, t) {
			r.policy(t, &m.Policy)
			m.HasPolicy = true
		}
	case ParameterPoolElement:
		if r.repeated(s, inResponseElements, t, len(m.Elements), r.maxElements()) {
			m.Elements = extend(m.Elements)
			r.element(t, &m.Elements[len(m.Elements)-1])
		}
	case ParameterOperationError:
		if r.single(s, inResponseCauses, t) {
			m.Causes = r.causes(t, m.Causes)
		}
	case ParameterSelectionTicket:
		if r.single(s, inResponseTicket, t) {
			m.Ticket = r.selectionTicket(t)
		}
	default:
		r.extra(t)
	}
}

// check tells a positive from a negative response and refuses what is neither.
func (m *HandleResolutionResponse) check(r *reader, s *span) {
	if s.seen&inResponseCauses != 0 {
		if s.seen&(inResponsePolicy|inResponseElements) != 0 && !r.o.LooseContent {
			r.fail(s.end, "operation error", "", uint64(len(m.Elements)), ErrOrder)
		}
		return
	}
	if !r.o.LooseContent {
		r.require(s, inResponseElements, ParameterPoolElement)
	}
	if !m.HasPolicy {
		if r.o.ExplicitPolicy {
			r.require(s, inResponsePolicy, ParameterPolicy)
		}
		m.Policy.Type = RoundRobin
	}
}
