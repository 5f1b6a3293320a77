// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestDeregistrationResponseAccepts(t *testing.T) {
	checkVector(t, "A04", Strict(), &DeregistrationResponse{PoolHandle: testHandle, PEID: testPE})
}

func TestDeregistrationResponseRefusesByCauseWithoutFlag(t *testing.T) {
	m := &DeregistrationResponse{PoolHandle: testHandle, PEID: testPE, Causes: []Cause{{Code: CauseSecurity}}}
	raw := RawMessage(TypeDeregistrationResponse).Add(rawHandle(), rawPEID(), rawError(CauseSecurity))
	checkBytes(t, Strict(), m, raw)
	checkDecodes(t, Strict(), raw.Flags(0xff), m)
}

func TestDeregistrationResponseForgetsEarlierCauses(t *testing.T) {
	m := &DeregistrationResponse{Causes: []Cause{{Code: CauseSecurity}}}
	if err := m.Decode(vectorBytes(t, "A04"), nil); err != nil || len(m.Causes) != 0 {
		t.Errorf("error %v, causes %v", err, m.Causes)
	}
}

func TestDeregistrationResponseKeepsOrder(t *testing.T) {
	raw := RawMessage(TypeDeregistrationResponse).Add(rawPEID(), rawHandle())
	checkRefused(t, ASAP, Strict(), raw, ErrOrder, "ASAP_DEREGISTRATION_RESPONSE: pool handle at 12: 0x9: not allowed here")
	checkDecodes(t, with(func(o *Options) { o.AnyOrder = true }), raw, &DeregistrationResponse{PoolHandle: testHandle, PEID: testPE})
}

func TestDeregistrationResponseRefusesRepetition(t *testing.T) {
	raw := RawMessage(TypeDeregistrationResponse).Add(rawHandle(), rawPEID(), rawPEID())
	for _, o := range []Options{Strict(), Lenient()} {
		checkRefused(t, ASAP, o, raw, ErrOrder, "ASAP_DEREGISTRATION_RESPONSE: PE identifier at 24: 0xe: not allowed here")
	}
}
