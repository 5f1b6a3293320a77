// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"testing"
)

func TestDecoderDoesNotAllocate(t *testing.T) {
	for _, v := range loadVectors(t) {
		var d Decoder
		d.Options = Lenient()
		decode := func() {
			if _, err := d.Decode(v.protocol, v.bytes); err != nil {
				t.Fatal(err)
			}
		}
		decode() // makes room
		if n := testing.AllocsPerRun(100, decode); n != 0 {
			t.Errorf("%s: %v allocations", v.name, n)
		}
	}
}

func TestAppendDoesNotAllocateWithRoom(t *testing.T) {
	buffer := make([]byte, 0, 4096)
	for _, v := range loadVectors(t) {
		o := Lenient()
		m := decodeOK(t, v.protocol, o, v.bytes)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := m.Append(buffer, &o); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", v.name, n)
		}
	}
}

// What a Decoder returns must not depend on what it has decoded before.
func TestDecoderForgetsEarlierMessages(t *testing.T) {
	var d Decoder
	d.Options = Lenient()
	vectors := loadVectors(t)
	for _, before := range vectors {
		for _, v := range vectors {
			if _, err := d.Decode(before.protocol, before.bytes); err != nil {
				t.Fatal(err)
			}
			// Fails at its last parameter, when everything else is decoded.
			if _, err := d.Decode(before.protocol, withStop(before.bytes)); err == nil {
				t.Fatal("accepted")
			}
			m, err := d.Decode(v.protocol, v.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if want := decodeOK(t, v.protocol, Lenient(), v.bytes); !same(m, want) {
				t.Errorf("%s after %s: %+v", v.name, before.name, m)
			}
		}
	}
}

func TestDecoderRefusesLikeDecode(t *testing.T) {
	var d Decoder
	for _, b := range [][]byte{nil, {0x7f, 0, 0, 4}, {1, 0, 0, 4}, {0, 0, 0, 4}} {
		m, err := d.Decode(ASAP, b)
		_, want := Decode(ASAP, b, nil)
		if m != nil || err == nil || err.Error() != want.Error() {
			t.Errorf("%x: %v, %v, want %v", b, m, err, want)
		}
	}
	if _, err := d.Decode(3, []byte{1, 0, 0, 4}); err == nil {
		t.Error("unknown protocol accepted")
	}
}

// withStop appends an unknown parameter of the rule 00 to a message.
func withStop(b []byte) []byte {
	b = append(append([]byte{}, b...), 0x00, 0x11, 0, 4)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}
