// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"testing"
)

// registrationWith is a message whose policy is at offset 48.
func registrationWith(policy *Raw) *Raw {
	return RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), policy))
}

// registeredWith is the message of registrationWith.
func registeredWith(p Policy) *Registration {
	m := &Registration{PoolHandle: testHandle, Element: testElement(ownServer)}
	m.Element.Policy = p
	return m
}

// The figures of RFC 5356 sections 4 and 5, and policies that are not there.
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		parameter string
		want      Policy
		name      string
	}{
		{"0008000800000001", Policy{Type: RoundRobin}, "RR"},
		{"0008000c0000000200000005", Policy{Type: WeightedRoundRobin, Weight: 5}, "WRR"},
		{"0008000800000003", Policy{Type: Random}, "RAND"},
		{"0008000c0000000400000006", Policy{Type: WeightedRandom, Weight: 6}, "WRAND"},
		{"0008000c00000005fffffffe", Policy{Type: Priority, Priority: 0xfffffffe}, "PRIO"},
		{"0008000c40000001ffffffff", Policy{Type: LeastUsed, Load: 0xffffffff}, "LU"},
		{"00080010400000020000000100000002", Policy{Type: LeastUsedDegradation, Load: 1, Degradation: 2}, "LUD"},
		{"00080010400000030000000300000004", Policy{Type: PriorityLeastUsed, Load: 3, Degradation: 4}, "PLU"},
		{"0008000c4000000400000009", Policy{Type: RandomizedLeastUsed, Load: 9}, "RLU"},
		{ // rsplib's weighted random with distance penalty factor
			"00080014b0002001000000010000000200000003",
			Policy{Type: 0xb0002001, Data: []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}},
			"policy 0xb0002001",
		},
		{"000800098000000007000000", Policy{Type: 0x80000000, Data: []byte{7}}, "policy 0x80000000"},
	} {
		b, err := hex.DecodeString(c.parameter)
		if err != nil {
			t.Fatal(err)
		}
		raw := RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), RawBytes(b...), rawFullElement())
		e := testElement(ownServer)
		e.ASAP, e.HasASAP = sctpTransport(4711), true
		m := &HandleResolutionResponse{PoolHandle: testHandle, Policy: c.want, HasPolicy: true, Elements: []PoolElement{e}}
		checkDecodes(t, Strict(), raw, m)
		checkBytes(t, Strict(), m, raw)
		if got := c.want.Type.String(); got != c.name {
			t.Errorf("%s is called %s", c.name, got)
		}
	}
}

func TestPolicyTypeBits(t *testing.T) {
	for typ, want := range map[PolicyType][3]bool{ // known, adaptive, private
		RoundRobin:          {true, false, false},
		RandomizedLeastUsed: {true, true, false},
		0x00000006:          {false, false, false},
		0x40000005:          {false, true, false},
		0xb0001001:          {false, false, true},
		0xc0000001:          {false, true, true},
	} {
		if got := [3]bool{typ.Known(), typ.Adaptive(), typ.Private()}; got != want {
			t.Errorf("%v: %v, want %v", typ, got, want)
		}
	}
}

func TestPolicyLengths(t *testing.T) {
	for _, c := range []struct {
		policy *Raw
		want   string
	}{
		{RawParameter(ParameterPolicy), "length 0x4"},
		{RawParameter(ParameterPolicy).Put(0, 0, 0), "length 0x7"},
		{rawRR().Put32(1), "length 0xc"},
		{RawParameter(ParameterPolicy).Put32(uint32(WeightedRoundRobin)), "length 0x8"},
		{RawParameter(ParameterPolicy).Put32(uint32(LeastUsedDegradation)).Put32(1), "length 0xc"},
		{RawParameter(ParameterPolicy).Put32(uint32(Priority)).Put16(1), "length 0xa"},
	} {
		checkRefused(t, ASAP, Lenient(), registrationWith(c.policy), ErrLength,
			"ASAP_REGISTRATION: policy at 48: "+c.want+": wrong length")
	}
}

func TestPolicyTypeZeroIsInvalid(t *testing.T) {
	for typ, text := range map[PolicyType]string{0: "0x0", 0x40000000: "0x40000000"} {
		checkRefused(t, ASAP, Lenient(), registrationWith(RawParameter(ParameterPolicy).Put32(uint32(typ))), ErrValue,
			"ASAP_REGISTRATION: policy at 48: type "+text+": illegal value")
		checkNotEncoded(t, Lenient(), registeredWith(Policy{Type: typ}), ErrValue,
			"encode ASAP_REGISTRATION: policy: type "+text+": illegal value")
	}
}

func TestPolicyReservedByTheIETFIsReceivedButNotSent(t *testing.T) {
	raw := registrationWith(RawParameter(ParameterPolicy).Put32(6).Put32(1))
	m := registeredWith(Policy{Type: 6, Data: []byte{0, 0, 0, 1}})
	checkDecodes(t, Strict(), raw, m)
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ASAP_REGISTRATION: policy: type 0x6: illegal value")
	checkBytes(t, Lenient(), m, raw)
}

func TestPolicyDataIsForUnknownPoliciesThatFit(t *testing.T) {
	checkNotEncoded(t, Strict(), registeredWith(Policy{Type: RoundRobin, Data: []byte{1}}), ErrValue,
		"encode ASAP_REGISTRATION: policy: data 0x1: illegal value")
	checkNotEncoded(t, Strict(), registeredWith(Policy{Type: 0x80000001, Data: make([]byte, 1<<16)}), ErrTooLarge,
		"encode ASAP_REGISTRATION: policy: size 0x10000: too large")
	checkNotEncoded(t, Strict(), registeredWith(Policy{Type: 0x80000001, Data: make([]byte, 65528)}), ErrTooLarge,
		"encode ASAP_REGISTRATION: policy: length 0x10000: too large")
}
