// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"
)

func TestFrameLength(t *testing.T) {
	for length, want := range map[uint16]int{4: 4, 5: 8, 8: 8, 0xfffc: 0xfffc, 0xffff: 0x10000} {
		got, err := FrameLength([4]byte{1, 0, byte(length >> 8), byte(length)})
		if got != want || err != nil {
			t.Errorf("%d: %d, %v", length, got, err)
		}
	}
	for length := range byte(4) {
		if n, err := FrameLength([4]byte{1, 0, 0, length}); n != 0 || !errors.Is(err, ErrLength) {
			t.Errorf("%d: %d, %v", length, n, err)
		}
	}
}

func TestFrameLengthIsWhatTheEncoderWrites(t *testing.T) {
	for size := 1; size < 9; size++ {
		b, err := Encode(&HandleResolution{PoolHandle: make(PoolHandle, size)})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := FrameLength([4]byte(b)); n != len(b) || err != nil {
			t.Errorf("%d: %d, %v", len(b), n, err)
		}
	}
}
