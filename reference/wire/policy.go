// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

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
	Type PolicyType
	// Weight is for WeightedRoundRobin and WeightedRandom.
	Weight uint32
	// Priority is for Priority; larger is preferred.
	Priority uint32
	// Load is for the adaptive policies; 0xffffffff is 100 %.
	Load uint32
	// Degradation is for LeastUsedDegradation and PriorityLeastUsed, in units of Load.
	Degradation uint32
	// Data is what follows the type of a policy that RFC 5356 does not define.
	Data []byte
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
