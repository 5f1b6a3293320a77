// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestHandleResolutionResponsePositive(t *testing.T) {
	checkVector(t, "A06", Strict(), &HandleResolutionResponse{
		PoolHandle: testHandle, Policy: Policy{Type: RoundRobin}, HasPolicy: true,
		Elements: []PoolElement{testElement(ownServer)},
	})
}

func TestHandleResolutionResponseNegative(t *testing.T) {
	checkVector(t, "A06c", Strict(), &HandleResolutionResponse{
		PoolHandle: testHandle, Causes: []Cause{{Code: CauseUnknownPoolHandle}},
	})
}

func TestHandleResolutionResponseWithoutPolicyMeansRoundRobin(t *testing.T) {
	raw := RawMessage(TypeHandleResolutionResponse).Flags(1).Add(rawHandle(), rawElement(rawSCTP(), rawRR()))
	m := &HandleResolutionResponse{
		UpdatesAccepted: true, PoolHandle: testHandle, Policy: Policy{Type: RoundRobin},
		Elements: []PoolElement{testElement(ownServer)},
	}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)

	explicit := with(func(o *Options) { o.ExplicitPolicy = true })
	checkRefused(t, ASAP, explicit, raw, ErrMissing, "ASAP_HANDLE_RESOLUTION_RESPONSE: policy at 56: 0x8: missing")
	checkBytes(t, explicit, m,
		RawMessage(TypeHandleResolutionResponse).Flags(1).Add(rawHandle(), rawRR(), rawElement(rawSCTP(), rawRR())))
}

func TestHandleResolutionResponseIsPositiveOrNegative(t *testing.T) {
	neither := RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), rawRR())
	checkRefused(t, ASAP, Strict(), neither, ErrMissing, "ASAP_HANDLE_RESOLUTION_RESPONSE: pool element at 24: 0xa: missing")
	both := RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), rawRR(), rawError(CauseSecurity))
	checkRefused(t, ASAP, Strict(), both, ErrOrder,
		"ASAP_HANDLE_RESOLUTION_RESPONSE: operation error at 32: 0x0: not allowed here")
	for _, raw := range []*Raw{neither, both} {
		decodeOK(t, ASAP, Lenient(), raw.Bytes())
	}

	m := &HandleResolutionResponse{PoolHandle: testHandle}
	checkNotEncoded(t, Strict(), m, ErrMissing, "encode ASAP_HANDLE_RESOLUTION_RESPONSE: pool element: count 0x0: missing")
	m.Elements, m.Causes = []PoolElement{testElement(0)}, []Cause{{Code: CauseSecurity}}
	checkNotEncoded(t, Strict(), m, ErrOrder, "encode ASAP_HANDLE_RESOLUTION_RESPONSE: operation error: 0x1: not allowed here")
}

func TestHandleResolutionResponseLimitsElements(t *testing.T) {
	o := with(func(o *Options) { o.MaxElements = 1 })
	raw := RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), rawFullElement(), rawFullElement())
	checkRefused(t, ASAP, o, raw, ErrTooLarge, "ASAP_HANDLE_RESOLUTION_RESPONSE: pool element at 72: count 0x2: too large")
}
