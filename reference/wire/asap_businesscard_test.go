// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestBusinessCard(t *testing.T) {
	checkVector(t, "A0d", Strict(), &BusinessCard{PoolHandle: testHandle, Elements: []PoolElement{testElement(ownServer)}})
}

func TestBusinessCardNeedsAnElement(t *testing.T) {
	raw := RawMessage(TypeBusinessCard).Add(rawHandle())
	checkRefused(t, ASAP, Strict(), raw, ErrMissing, "ASAP_BUSINESS_CARD: pool element at 16: 0xa: missing")
	checkDecodes(t, Lenient(), raw, &BusinessCard{PoolHandle: testHandle})
	checkNotEncoded(t, Strict(), &BusinessCard{PoolHandle: testHandle}, ErrMissing,
		"encode ASAP_BUSINESS_CARD: pool element: count 0x0: missing")
}

func TestBusinessCardIsNotForRsplib(t *testing.T) {
	checkNotEncoded(t, Rsplib(), &BusinessCard{PoolHandle: testHandle, Elements: []PoolElement{testElement(0)}}, ErrValue,
		"encode ASAP_BUSINESS_CARD: message: type 0xd: illegal value")
}
