// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// vectors are the messages with known meaning.
func vectors(t *testing.T) (list [][]byte) {
	t.Helper()
	text, err := os.ReadFile("../../reference/wire/testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(line), " ", "")); err == nil && len(b) > 0 {
			list = append(list, b)
		}
	}
	if len(list) == 0 {
		t.Fatal("no vectors")
	}
	return list
}

func TestUnchangedMessageIsWrittenAsItWas(t *testing.T) {
	for _, b := range vectors(t) {
		if got := parse(b).append(nil); !bytes.Equal(got, b) {
			t.Errorf("%x\nbecame %x", b, got)
		}
	}
}

func TestVariantsAreBoundedAndLeaveTheInputAlone(t *testing.T) {
	const limit = 100
	for name, vary := range map[string]func(*rand.Rand, []byte, int) []byte{"message": Message, "bytes": Bytes} {
		r := rand.New(rand.NewPCG(1, 1))
		for _, b := range append(vectors(t), nil, []byte{1}, []byte{1, 0, 0, 0}) {
			before := bytes.Clone(b)
			for range 1000 {
				if got := vary(r, b, limit); len(got) > limit {
					t.Fatalf("%s: %d bytes", name, len(got))
				}
			}
			if !bytes.Equal(b, before) {
				t.Fatalf("%s: %x became %x", name, before, b)
			}
		}
	}
}

// TestVariantsOfMessagesAreMostlyFramed: structure is what is to be tried, so the lengths of
// most variants are right, and a good part is understood by a lenient receiver.
func TestVariantsOfMessagesAreMostlyFramed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	all, framed, understood := 0, 0, 0
	o := wire.Lenient()
	for _, b := range vectors(t) {
		for range 300 {
			all++
			v := Message(r, b, wire.MaxMessageLength)
			if len(v) < wire.HeaderLength {
				continue
			}
			if n, err := wire.FrameLength([wire.HeaderLength]byte(v)); err == nil && n == len(v) {
				framed++
			}
			if _, err := wire.Decode(wire.ASAP, v, &o); err == nil {
				understood++
			} else if _, err := wire.Decode(wire.ENRP, v, &o); err == nil {
				understood++
			}
		}
	}
	if framed*100 < all*80 || understood*100 < all*20 || understood*100 > all*80 {
		t.Errorf("of %d variants %d are framed and %d understood", all, framed, understood)
	}
	t.Logf("of %d variants %d are framed and %d understood", all, framed, understood)
}

// TestEveryMessageTypeComesAbout: from one message all types come about.
func TestEveryMessageTypeComesAbout(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[byte]bool{}
	first := vectors(t)[0]
	for range 10_000 {
		seen[Message(r, first, wire.MaxMessageLength)[0]] = true
	}
	for typ := wire.TypeRegistration; typ <= wire.TypeASAPError; typ++ {
		if !seen[typ] {
			t.Errorf("no message of type 0x%02x", typ)
		}
	}
}
