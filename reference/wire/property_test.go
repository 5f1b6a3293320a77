// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// presets are the options that everything must hold for.
var presets = map[string]func() Options{"strict": Strict, "lenient": Lenient, "rsplib": Rsplib}

// eachKind runs a subtest for every message of the protocol pair and preset
// that allows it.
func eachKind(t *testing.T, run func(t *testing.T, o Options, p Protocol, typ uint8)) {
	for preset, options := range presets {
		for _, p := range []Protocol{ASAP, ENRP} {
			for _, typ := range MessageTypes(p) {
				o := options()
				if o.NoBusinessCard && p == ASAP && typ == TypeBusinessCard {
					continue
				}
				t.Run(preset+"/"+MessageName(p, typ), func(t *testing.T) { run(t, o, p, typ) })
			}
		}
	}
}

func TestEncodedMessagesDecodeToThemselves(t *testing.T) {
	eachKind(t, func(t *testing.T, o Options, p Protocol, typ uint8) {
		rapid.Check(t, func(t *rapid.T) {
			m := draw{t, &o}.message(p, typ)
			b, err := m.Append(nil, &o)
			if err != nil {
				t.Fatalf("%+v: %v", m, err)
			}
			if n, err := FrameLength([4]byte(b)); n != len(b) || err != nil {
				t.Fatalf("%x: frame of %d, %v", b, n, err)
			}
			again, err := Decode(p, b, &o)
			if err != nil || !same(m, again) {
				t.Fatalf("%x: %v\n got %+v\nwant %+v", b, err, again, m)
			}
			if !same(m, Clone(m)) {
				t.Fatalf("clone of %+v is %+v", m, Clone(m))
			}
		})
	})
}

// Strict messages are understood by every lenient receiver and mean the same.
func TestLenientUnderstandsStrict(t *testing.T) {
	for _, p := range []Protocol{ASAP, ENRP} {
		for _, typ := range MessageTypes(p) {
			rapid.Check(t, func(t *rapid.T) {
				var strict Options
				lenient := Lenient()
				m := draw{t, &strict}.message(p, typ)
				b, err := Encode(m)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := Decode(p, b, &lenient); err != nil || !same(m, got) {
					t.Fatalf("%x: %v\n got %+v\nwant %+v", b, err, got, m)
				}
			})
		}
	}
}

// checkAnyBytes decodes bytes of any origin and checks what must hold always.
func checkAnyBytes(tb testing.TB, p Protocol, b []byte, o Options) {
	tb.Helper()
	m, err := Decode(p, b, &o)
	if err != nil {
		var refusal *DecodeError
		if !errors.As(err, &refusal) || refusal.Err == nil || refusal.Offset < 0 || refusal.Offset > len(b) || err.Error() == "" {
			tb.Fatalf("%x: %#v", b, err)
		}
		if cause, owed := refusal.Report(); owed {
			if _, err := Encode(&ENRPError{Sender: 1, Causes: []Cause{cause}}); err != nil {
				tb.Fatalf("%x: report %v cannot be sent: %v", b, cause, err)
			}
		}
		return
	}
	again, err := m.Append(nil, &o)
	if err != nil {
		return // causes and policies may be received that must not be sent
	}
	if got, err := Decode(p, again, &o); err != nil || !same(m, got) {
		tb.Fatalf("%x\nas  %x: %v\n got %+v\nwant %+v", b, again, err, got, m)
	}
}

// interesting are the octets that fields of all kinds break at.
var interesting = []byte{0x00, 0x01, 0x03, 0x04, 0x05, 0x07, 0x08, 0x10, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff}

func TestMutatedVectorsAreRefusedOrUnderstood(t *testing.T) {
	for _, v := range loadVectors(t) {
		for preset := range presets {
			o := presets[preset]()
			for i := range v.bytes {
				checkAnyBytes(t, v.protocol, v.bytes[:i], o)
				for _, octet := range interesting {
					b := slices.Clone(v.bytes)
					b[i] = octet
					checkAnyBytes(t, v.protocol, b, o)
					checkAnyBytes(t, v.protocol, append(b, octet), o)
				}
			}
		}
	}
}

func TestCrossedVectorsAreRefusedOrUnderstood(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		vectors := loadVectors(t)
		a := rapid.SampledFrom(vectors).Draw(rt, "head")
		z := rapid.SampledFrom(vectors).Draw(rt, "tail")
		i := rapid.IntRange(0, len(a.bytes)).Draw(rt, "cut head")
		j := rapid.IntRange(0, len(z.bytes)).Draw(rt, "cut tail")
		b := append(slices.Clone(a.bytes[:i]), z.bytes[j:]...)
		if len(b) >= HeaderLength && rapid.Bool().Draw(rt, "mend length") {
			b[2], b[3] = byte(len(b)>>8), byte(len(b))
		}
		checkAnyBytes(t, a.protocol, b, Lenient())
		checkAnyBytes(t, a.protocol, b, Strict())
	})
}
