// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestRegistrationDescribesAPoolElement(t *testing.T) {
	checkVector(t, "A01", Strict(), &Registration{PoolHandle: testHandle, Element: testElement(0)})
	checkVector(t, "A01c", Strict(), &Registration{PoolHandle: PoolHandle("abcde"), Element: testElement(0)})
}

func TestRegistrationNeedsHandleAndElement(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeRegistration), ErrMissing,
		"ASAP_REGISTRATION: pool handle at 4: 0x9: missing")
	checkRefused(t, ASAP, Strict(), RawMessage(TypeRegistration).Add(rawHandle()), ErrMissing,
		"ASAP_REGISTRATION: pool element at 16: 0xa: missing")
	checkRefused(t, ASAP, Strict(), RawMessage(TypeRegistration).Add(rawFullElement(), rawHandle()), ErrOrder,
		"ASAP_REGISTRATION: pool handle at 60: 0x9: not allowed here")
}

func TestRegistrationIgnoresExtraParametersOnlyOnRequest(t *testing.T) {
	raw := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), rawRR()), rawCookie())
	checkRefused(t, ASAP, Strict(), raw, ErrOrder, "ASAP_REGISTRATION: cookie at 56: 0xd: not allowed here")
	checkDecodes(t, with(func(o *Options) { o.ExtraParameters = true }), raw,
		&Registration{PoolHandle: testHandle, Element: testElement(ownServer)})
}
