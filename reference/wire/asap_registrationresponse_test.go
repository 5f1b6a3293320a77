// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestRegistrationResponseAccepts(t *testing.T) {
	checkVector(t, "A03", Strict(), &RegistrationResponse{PoolHandle: testHandle, PEID: testPE})
}

func TestRegistrationResponseRejectsWithCause(t *testing.T) {
	checkVector(t, "A03b", Strict(), &RegistrationResponse{
		Reject: true, PoolHandle: testHandle, PEID: testPE, Causes: []Cause{{Code: CauseSecurity}},
	})
}

func TestRegistrationResponseForgetsEarlierCauses(t *testing.T) {
	m := &RegistrationResponse{Causes: []Cause{{Code: CauseSecurity}}}
	if err := m.Decode(vectorBytes(t, "A03"), nil); err != nil || len(m.Causes) != 0 {
		t.Errorf("error %v, causes %v", err, m.Causes)
	}
}

func TestRegistrationResponseKeepsOrder(t *testing.T) {
	raw := RawMessage(TypeRegistrationResponse).Add(rawPEID(), rawHandle())
	checkRefused(t, ASAP, Strict(), raw, ErrOrder, "ASAP_REGISTRATION_RESPONSE: pool handle at 12: 0x9: not allowed here")
	checkDecodes(t, with(func(o *Options) { o.AnyOrder = true }), raw, &RegistrationResponse{PoolHandle: testHandle, PEID: testPE})
}

func TestRegistrationResponseRefusesRepetition(t *testing.T) {
	raw := RawMessage(TypeRegistrationResponse).Add(rawHandle(), rawPEID(), rawPEID())
	for _, o := range []Options{Strict(), Lenient()} {
		checkRefused(t, ASAP, o, raw, ErrOrder, "ASAP_REGISTRATION_RESPONSE: PE identifier at 24: 0xe: not allowed here")
	}
}
