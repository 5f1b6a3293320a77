// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// PolicyType is the number of a pool member selection policy (RFC 5356 section 7.1).
type PolicyType uint32

// The policies of RFC 5356.
const (
	RoundRobin           PolicyType = 0x00000001
	WeightedRoundRobin   PolicyType = 0x00000002
	Random               PolicyType = 0x00000003
	WeightedRandom       PolicyType = 0x00000004
	Priority             PolicyType = 0x00000005
	LeastUsed            PolicyType = 0x40000001
	LeastUsedDegradation PolicyType = 0x40000002
	PriorityLeastUsed    PolicyType = 0x40000003
	RandomizedLeastUsed  PolicyType = 0x40000004
)

const (
	policyAdaptive PolicyType = 0x40000000 // bit A: uses load reported by the pool elements
	policyPrivate  PolicyType = 0x80000000 // bit X: private use
)

// Adaptive reports whether the policy depends on load that pool elements report.
func (t PolicyType) Adaptive() bool { return t&policyAdaptive != 0 }

// Private reports whether the policy is from the range for private use.
func (t PolicyType) Private() bool { return t&policyPrivate != 0 }

// Known reports whether RFC 5356 defines the policy.
func (t PolicyType) Known() bool { return t.fields() >= 0 }

// String returns the policy's usual abbreviation, such as "RR" or "LUD".
func (t PolicyType) String() string {
	switch t {
	case RoundRobin:
		return "RR"
	case WeightedRoundRobin:
		return "WRR"
	case Random:
		return "RAND"
	case WeightedRandom:
		return "WRAND"
	case Priority:
		return "PRIO"
	case LeastUsed:
		return "LU"
	case LeastUsedDegradation:
		return "LUD"
	case PriorityLeastUsed:
		return "PLU"
	case RandomizedLeastUsed:
		return "RLU"
	}
	return fmt.Sprintf("policy 0x%08x", uint32(t))
}

// Policy is a pool member selection policy with its values. Values a policy
// does not have are zero after decoding and ignored by the encoder.
type Policy struct {
	Type PolicyType `json:"type"`
	// Weight is for WeightedRoundRobin and WeightedRandom.
	Weight uint32 `json:"weight,omitzero"`
	// Priority is for Priority; larger is preferred.
	Priority uint32 `json:"priority,omitzero"`
	// Load is for the adaptive policies; 0xffffffff is 100 %.
	Load uint32 `json:"load,omitzero"`
	// Degradation is for LeastUsedDegradation and PriorityLeastUsed, in units of Load.
	Degradation uint32 `json:"degradation,omitzero"`
	// Data is what follows the type of a policy that RFC 5356 does not define.
	Data []byte `json:"data,omitempty"`
}

// fields returns how many 32 bit values follow the type, -1 if unknown.
func (t PolicyType) fields() int {
	switch t {
	case RoundRobin, Random:
		return 0
	case WeightedRoundRobin, WeightedRandom, Priority, LeastUsed, RandomizedLeastUsed:
		return 1
	case LeastUsedDegradation, PriorityLeastUsed:
		return 2
	}
	return -1
}

// values returns where the policy keeps its up to two values.
func (p *Policy) values() (first, second *uint32) {
	switch p.Type {
	case WeightedRoundRobin, WeightedRandom:
		return &p.Weight, nil
	case Priority:
		return &p.Priority, nil
	}
	return &p.Load, &p.Degradation
}

// policy decodes a Pool Member Selection Policy parameter (RFC 5354 section 3.8).
func (r *reader) policy(t tlv, dst *Policy) {
	*dst = Policy{}
	n := t.end - t.pos - 4
	if n < 0 {
		r.fail(t.at, "policy", "length", uint64(t.end-t.at), ErrLength)
		return
	}
	dst.Type = PolicyType(binary.BigEndian.Uint32(r.b[t.pos:]))
	if dst.Type&^policyAdaptive == 0 {
		r.fail(t.at, "policy", "type", uint64(dst.Type), ErrValue)
		return
	}
	fields := dst.Type.fields()
	if fields < 0 {
		dst.Data = r.b[t.pos+4 : t.end : t.end]
		return
	}
	if n != 4*fields {
		r.fail(t.at, "policy", "length", uint64(t.end-t.at), ErrLength)
		return
	}
	if fields == 0 {
		return
	}
	first, second := dst.values()
	*first = binary.BigEndian.Uint32(r.b[t.pos+4:])
	if fields > 1 {
		*second = binary.BigEndian.Uint32(r.b[t.pos+8:])
	}
}

// policy encodes a Pool Member Selection Policy parameter.
func (w *writer) policy(p *Policy) {
	fields := p.Type.fields()
	switch {
	case p.Type&^policyAdaptive == 0,
		fields < 0 && !p.Type.Private() && !w.o.ReservedValues:
		w.fail("policy", "type", uint64(p.Type), ErrValue)
		return
	case fields >= 0 && len(p.Data) > 0:
		w.fail("policy", "data", uint64(len(p.Data)), ErrValue)
		return
	case len(p.Data) > MaxMessageLength:
		w.fail("policy", "size", uint64(len(p.Data)), ErrTooLarge)
		return
	}
	mark := w.open(ParameterPolicy)
	w.word(uint32(p.Type))
	first, second := p.values()
	if fields > 0 {
		w.word(*first)
	}
	if fields > 1 {
		w.word(*second)
	}
	w.b = append(w.b, p.Data...)
	w.end(mark, "policy")
}

// clone returns a deep copy.
func (p *Policy) clone() Policy {
	c := *p
	c.Data = slices.Clone(p.Data)
	return c
}

// equal tells whether two policies are the same in every value.
func (p *Policy) equal(o *Policy) bool {
	return p.Type == o.Type && p.Weight == o.Weight && p.Priority == o.Priority && p.Load == o.Load &&
		p.Degradation == o.Degradation && slices.Equal(p.Data, o.Data)
}
