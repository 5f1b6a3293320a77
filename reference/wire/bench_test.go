// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

// benchmarked are the messages rsplib's parser was measured with: a
// registration and a handle resolution.
var benchmarked = []string{"A01", "A05"}

func BenchmarkDecoder(b *testing.B) {
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			message := vectorBytes(b, name)
			var d Decoder
			b.ReportAllocs()
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				if _, err := d.Decode(ASAP, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			m, err := Decode(ASAP, vectorBytes(b, name), nil)
			if err != nil {
				b.Fatal(err)
			}
			buffer := make([]byte, 0, typicalMessage+HeaderLength)
			b.ReportAllocs()
			for b.Loop() {
				if buffer, err = m.Append(buffer[:0], nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
