// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"testing"
)

func TestRawBuildsAnything(t *testing.T) {
	odd := func() *Raw { return RawParameter(0x9).Put('a', 'b', 'c', 'd', 'e') }
	for want, raw := range map[string]*Raw{
		"05000010" + "0009000c4563686f506f6f6c":      RawMessage(5).Add(rawHandle()),
		"0580000d" + "000900096162636465000000":      RawMessage(5).Flags(0x80).Add(odd()),
		"05000010" + "000900096162636465000000" + "": RawMessage(5).CoverPadding().Add(odd()),
		"05000003" + "000900096162636465000000":      RawMessage(5).Length(3).Add(odd()),
		"0500000b" + "000900096162636465000000":      RawMessage(5).AddLength(-2).Add(odd()),
		"0500000d" + "000900096162636465":            RawMessage(5).Padding().Add(odd()),
		"0500000d" + "000900096162636465ffff":        RawMessage(5).Add(odd()).Padding(0xff, 0xff),
		"0500000c" + "00090009616263640102":          RawMessage(5).Put(0, 9, 0, 9, 'a', 'b', 'c', 'd').Trailing(1, 2),
		// padding between parameters counts, the last one does not
		"05000019" + "000900096162636465000000" + "000900096162636465000000": RawMessage(5).Add(odd(), odd()),
		// without padding everything after it is shifted
		"05000014" + "000900096162636465" + "00" + "80000006" + "0102": RawMessage(5).Add(
			RawParameter(0x9).Put([]byte("abcde")...).Padding(0), RawParameter(0x8000).Put16(0x0102).Padding()).Padding(),
		// nested twice, with a wrong length inside
		"0e000014" + "000c0010" + "0001000c" + "4020ffff" + "00000001": RawMessage(0xe).Add(
			RawParameter(0xc).Add(RawParameter(1).Add(RawParameter(0x4020).Length(0xffff).Put32(1)))),
		"ff": RawBytes(0xff),
	} {
		if got := hex.EncodeToString(raw.Bytes()); got != want {
			t.Errorf("built %s\nwant  %s", got, want)
		}
	}
}

func TestRawCanBeBuiltTwice(t *testing.T) {
	raw := RawMessage(5).Add(rawHandle())
	first := raw.Bytes()
	if second := raw.Bytes(); string(first) != string(second) {
		t.Errorf("built %x, then %x", first, second)
	}
}
