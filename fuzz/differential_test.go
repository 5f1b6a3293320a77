// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/mutate"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// specimen is a message for both decoders.
type specimen struct {
	protocol wire.Protocol
	bytes    []byte
}

// variantsPerSeed makes some two thousand specimens, which tshark reads in a second.
const variantsPerSeed = 60

// specimens returns the corpus and variants of it.
func specimens(t *testing.T) (list []specimen) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, b := range seeds(t, "message") {
		for _, p := range protocols {
			o := wire.Lenient()
			if _, err := wire.Decode(p, b, &o); err != nil {
				continue
			}
			list = append(list, specimen{p, b})
			for range variantsPerSeed {
				if v := mutate.Message(r, b, maxInput); len(v) >= wire.HeaderLength {
					list = append(list, specimen{p, v})
				}
			}
		}
	}
	return list
}

// What becomes of a specimen. All but the first two are disagreements that are explained.
const (
	agree       = "both take it and read the same"
	bothRefuse  = "both refuse it"
	inCause     = "Wireshark dissects the information of error causes and misses it; to the decoder it is any bytes"
	notJudged   = "Wireshark shows what is there and does not judge presence, order, values and action bits"
	ownLength   = "Wireshark shows the Message Length and goes by the length of the user message"
	shortFixed  = "Wireshark leaves out the fixed fields that are not there"
	shortRest   = "Wireshark leaves out the last bytes when they are too few for a parameter"
	valueLength = "Wireshark reads a value as far as it knows it and ends silently at a length that cannot be"
	padding     = "Wireshark does not look at the padding"
	unexplained = ""
)

// TestDecoderAndWiresharkAgree compares the decoder with an independent one. They need not agree
// on everything, but each disagreement is of a known kind.
func TestDecoderAndWiresharkAgree(t *testing.T) {
	o := wire.Lenient()
	o.ExtraParameters, o.TrailingBytes = false, false // Wireshark takes them for parts of the message
	counts := map[string]int{}
	list := specimens(t)
	for i, d := range dissections(t, list) {
		s := list[i]
		m, err := wire.Decode(s.protocol, s.bytes, &o)
		outcome := compare(m, err, d)
		counts[outcome]++
		if outcome == unexplained {
			t.Errorf("%s %x: error %v, complaint %q\n got %q\nwant %q", s.protocol, s.bytes, err, d.complaint, readingsOf(m), d.values)
		}
	}
	for _, known := range []string{agree, bothRefuse, inCause, notJudged, ownLength, shortFixed, shortRest, valueLength, padding} {
		if counts[known] == 0 {
			t.Errorf("does not occur any more: %s", known)
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%5d %s", counts[outcome], outcome)
	}
}

// compare names the outcome.
func compare(m wire.Message, err error, d dissection) string {
	var refusal *wire.DecodeError
	switch {
	case errors.As(err, &refusal) && d.complaint != "":
		return bothRefuse
	case errors.As(err, &refusal):
		return whyOnlyWe(refusal)
	case d.complaint == "" && slices.Equal(readings(m), d.values):
		return agree
	case hasCauses(m):
		return inCause
	}
	return unexplained
}

// whyOnlyWe explains why Wireshark does not complain about what the decoder refuses.
func whyOnlyWe(e *wire.DecodeError) string {
	switch {
	case !errors.Is(e, wire.ErrLength) && !errors.Is(e, wire.ErrTruncated):
		return notJudged
	case e.Field == "padding":
		return padding
	case e.Element == "message" && e.Field == "length":
		return ownLength
	case e.Element == "message":
		return shortFixed
	case e.Field == "header":
		return shortRest
	case e.Field == "length":
		return valueLength
	}
	return unexplained
}

// hasCauses tells whether there are error causes in the message, with their information or without it.
func hasCauses(m wire.Message) bool {
	var causes []wire.Cause
	switch m := m.(type) {
	case *wire.RegistrationResponse:
		causes = m.Causes
	case *wire.DeregistrationResponse:
		causes = m.Causes
	case *wire.HandleResolutionResponse:
		causes = m.Causes
	case *wire.ASAPError:
		causes = m.Causes
	case *wire.ENRPError:
		causes = m.Causes
	}
	return len(causes) > 0
}

// readingsOf is readings of a message that may be none.
func readingsOf(m wire.Message) []string {
	if m == nil {
		return nil
	}
	return readings(m)
}
