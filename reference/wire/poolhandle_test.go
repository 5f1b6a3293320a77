// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestPoolHandleIsPrintedEscaped(t *testing.T) {
	for handle, want := range map[string]string{
		"EchoPool":     "EchoPool",
		"a\nb\x1b[31m": `a\nb\x1b[31m`,
		"\xff\x00":     `\xff\x00`,
		"b\u00fccher":  `b\u00fccher`,
		`say "hi"`:     `say \"hi\"`,
		"":             "",
	} {
		if got := PoolHandle(handle).String(); got != want {
			t.Errorf("%q is printed %s, want %s", handle, got, want)
		}
	}
}

func TestPoolHandleIsNotEmpty(t *testing.T) {
	raw := RawMessage(TypeHandleResolution).Add(RawParameter(ParameterPoolHandle))
	for _, o := range []Options{Strict(), Lenient(), Rsplib()} {
		checkRefused(t, ASAP, o, raw, ErrLength, "ASAP_HANDLE_RESOLUTION: pool handle at 4: length 0x4: wrong length")
		checkNotEncoded(t, o, &HandleResolution{}, ErrMissing, "encode ASAP_HANDLE_RESOLUTION: pool handle: 0x0: missing")
	}
}

func TestPoolHandleOfRsplibHas32Bytes(t *testing.T) {
	handle := make(PoolHandle, 33)
	raw := RawMessage(TypeHandleResolution).Add(RawParameter(ParameterPoolHandle).Put(handle...))
	m := &HandleResolution{PoolHandle: handle}
	checkDecodes(t, Strict(), raw, m)
	checkRefused(t, ASAP, Rsplib(), raw, ErrTooLarge, "ASAP_HANDLE_RESOLUTION: pool handle at 4: size 0x21: too large")
	checkNotEncoded(t, Rsplib(), m, ErrTooLarge, "encode ASAP_HANDLE_RESOLUTION: pool handle: size 0x21: too large")
	m.PoolHandle = handle[:32]
	checkBytes(t, Rsplib(), m, RawMessage(TypeHandleResolution).Add(RawParameter(ParameterPoolHandle).Put(handle[:32]...)))
}

func TestPoolHandleFitsParameter(t *testing.T) {
	checkNotEncoded(t, Strict(), &HandleResolution{PoolHandle: make(PoolHandle, 1<<20)}, ErrTooLarge,
		"encode ASAP_HANDLE_RESOLUTION: pool handle: size 0x100000: too large")
}

func TestDecodedHandleCannotGrowIntoTheMessage(t *testing.T) {
	b := vectorBytes(t, "A02")
	m := decodeOK(t, ASAP, Strict(), b).(*Deregistration)
	_ = append(m.PoolHandle, "over"...)
	if again := decodeOK(t, ASAP, Strict(), b); !same(again, m) {
		t.Errorf("message changed to %+v", again)
	}
}
