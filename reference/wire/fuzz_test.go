// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

// FuzzDecode feeds arbitrary bytes to the decoder under all presets. The first
// argument chooses the protocol.
func FuzzDecode(f *testing.F) {
	for _, v := range loadVectors(f) {
		f.Add(v.protocol == ENRP, v.bytes)
	}
	f.Fuzz(func(t *testing.T, enrp bool, b []byte) {
		p := ASAP
		if enrp {
			p = ENRP
		}
		for _, options := range presets {
			checkAnyBytes(t, p, b, options())
		}
	})
}

// FuzzDecoder feeds pairs of messages to one Decoder: the second must not
// depend on the first.
func FuzzDecoder(f *testing.F) {
	vectors := loadVectors(f)
	for i, v := range vectors {
		f.Add(vectors[(i+1)%len(vectors)].bytes, v.bytes)
	}
	f.Fuzz(func(t *testing.T, before, b []byte) {
		for _, p := range []Protocol{ASAP, ENRP} {
			var d Decoder
			d.Options = Lenient()
			_, _ = d.Decode(p, before)
			got, err := d.Decode(p, b)
			want, wantErr := Decode(p, b, &d.Options)
			if (err == nil) != (wantErr == nil) || err == nil && !same(got, want) {
				t.Fatalf("%x after %x: %v, %v\n got %+v\nwant %+v", b, before, err, wantErr, got, want)
			}
		}
	})
}
