// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestDeregistrationNamesAPoolElement(t *testing.T) {
	checkVector(t, "A02", Strict(), &Deregistration{PoolHandle: testHandle, PEID: testPE})
}

func TestDeregistrationNeedsHandleAndPEID(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeDeregistration).Add(rawHandle()), ErrMissing,
		"ASAP_DEREGISTRATION: PE identifier at 16: 0xe: missing")
	checkRefused(t, ASAP, Strict(), RawMessage(TypeDeregistration).Add(rawPEID()), ErrMissing,
		"ASAP_DEREGISTRATION: pool handle at 12: 0x9: missing")
	checkNotEncoded(t, Strict(), &Deregistration{PEID: testPE}, ErrMissing,
		"encode ASAP_DEREGISTRATION: pool handle: 0x0: missing")
}

func TestDeregistrationHasNoCauses(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeDeregistration).Add(rawHandle(), rawPEID(), rawError(CauseSecurity)), ErrOrder,
		"ASAP_DEREGISTRATION: operation error at 24: 0xc: not allowed here")
}
