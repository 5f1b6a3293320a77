// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestHandleResolution(t *testing.T) {
	checkVector(t, "A05", Strict(), &HandleResolution{PoolHandle: testHandle})
	checkVector(t, "A05b", Strict(), &HandleResolution{Subscribe: true, PoolHandle: testHandle})
}

func TestHandleResolutionOptionIsKnownOnRequest(t *testing.T) {
	raw := RawMessage(TypeHandleResolution).Add(rawHandle(), RawParameter(ParameterHandleResolution).Put32(3))
	m := &HandleResolution{PoolHandle: testHandle, Items: 3, HasItems: true}
	known := with(func(o *Options) { o.HandleResolutionOption = true })
	checkDecodes(t, known, raw, m)
	checkBytes(t, known, m, raw)

	checkDecodes(t, Strict(), raw, &HandleResolution{PoolHandle: testHandle})
	skipped := decodeOK(t, ASAP, Strict(), raw.Bytes()).Unrecognized()
	if len(skipped) != 1 || skipped[0].Type != ParameterHandleResolution || skipped[0].Report() {
		t.Errorf("strict skipped %v", skipped)
	}
	checkNotEncoded(t, Strict(), m, ErrOrder, "encode ASAP_HANDLE_RESOLUTION: handle resolution option: 0x3: not allowed here")
}

func TestHandleResolutionOptionHasFourBytes(t *testing.T) {
	raw := RawMessage(TypeHandleResolution).Add(rawHandle(), RawParameter(ParameterHandleResolution).Put16(3))
	checkRefused(t, ASAP, Lenient(), raw, ErrLength,
		"ASAP_HANDLE_RESOLUTION: handle resolution option at 16: length 0x6: wrong length")
}
