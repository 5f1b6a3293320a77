// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// vector is one message of testdata/vectors.txt.
type vector struct {
	name     string // such as "A01"
	protocol Protocol
	rsplib   bool // rsplib accepts it
	bytes    []byte
}

// loadVectors reads all vectors.
func loadVectors(tb testing.TB) []vector {
	tb.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var vectors []vector
	var v vector
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if title := strings.Split(line, " | "); len(title) == 4 {
			v = vector{name: strings.Fields(title[0])[0], protocol: ASAP, rsplib: strings.HasPrefix(title[2], "accept")}
			if title[1] == "12" {
				v.protocol = ENRP
			}
			continue
		}
		if v.bytes, err = hex.DecodeString(strings.ReplaceAll(line, " ", "")); err != nil {
			tb.Fatalf("%s: %v", v.name, err)
		}
		vectors = append(vectors, v)
	}
	if len(vectors) != vectorCount {
		tb.Fatalf("%d vectors, want %d", len(vectors), vectorCount)
	}
	return vectors
}

// vectorCount guards against a loader that skips some.
const vectorCount = 32

// vectorBytes returns the vector with the name.
func vectorBytes(tb testing.TB, name string) []byte {
	tb.Helper()
	for _, v := range loadVectors(tb) {
		if v.name == name {
			return v.bytes
		}
	}
	tb.Fatalf("no vector %s", name)
	return nil
}

func TestVectorsDecodeAndEncodeToTheSameBytes(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			o := Strict()
			o.KeepAlivePEID = v.name == "A07b" // rsplib's form
			m, err := Decode(v.protocol, v.bytes, &o)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(m.Unrecognized()); n != 0 {
				t.Errorf("%d parameters not recognized", n)
			}
			b, err := m.Append(nil, &o)
			if err != nil {
				t.Fatal(err)
			}
			if string(b) != string(v.bytes) {
				t.Errorf("encoded %x\nwant    %x", b, v.bytes)
			}
		})
	}
}

func TestRsplibDecodesWhatItAccepts(t *testing.T) {
	for _, v := range loadVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			o := Rsplib()
			_, err := Decode(v.protocol, v.bytes, &o)
			if (err == nil) != v.rsplib {
				t.Errorf("error %v, rsplib accepts: %v", err, v.rsplib)
			}
		})
	}
}

func TestLenientDecodesEveryVector(t *testing.T) {
	for _, v := range loadVectors(t) {
		o := Lenient()
		if _, err := Decode(v.protocol, v.bytes, &o); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}
