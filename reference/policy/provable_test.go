// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// vector returns a value of the vectors that were made with OpenSSL.
func vector(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile("../wire/testdata/extensions.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			b, err := hex.DecodeString(value)
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
	}
	tb.Fatalf("no vector %s", name)
	return nil
}

func drawAll(d *policy.Draws, list []wire.SelectionEntry) (ids []wire.PEID) {
	for i, ok := d.Next(); ok; i, ok = d.Next() {
		ids = append(ids, list[i].ID)
	}
	return ids
}

// The orders come from Python's integers and "openssl dgst -sha256".
func TestDrawsVector(t *testing.T) {
	ticket, err := wire.ParseSelectionTicket(vector(t, "ticket"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := wire.ParseSelectionList(vector(t, "list"))
	if err != nil {
		t.Fatal(err)
	}
	for counter, want := range [...][2][4]wire.PEID{ // weighted random, random
		{{0x44, 0x11, 0x33, 0x22}, {0x33, 0x22, 0x11, 0x44}},
		{{0x11, 0x44, 0x33, 0x22}, {0x11, 0x33, 0x22, 0x44}},
		{{0x11, 0x44, 0x33, 0x22}, {0x44, 0x33, 0x22, 0x11}},
		{{0x11, 0x44, 0x33, 0x22}, {0x11, 0x22, 0x44, 0x33}},
		{{0x11, 0x44, 0x33, 0x22}, {0x33, 0x11, 0x22, 0x44}},
		{{0x33, 0x44, 0x11, 0x22}, {0x22, 0x33, 0x44, 0x11}},
	} {
		d := policy.NewDraws(&ticket, uint32(counter), wire.WeightedRandom, list)
		if got := drawAll(d, list); !slices.Equal(got, want[0][:]) || d.Attempt() != 4 {
			t.Errorf("weighted random, counter %d: %v, want %v", counter, got, want[0])
		}
		d = policy.NewDraws(&ticket, uint32(counter), wire.Random, list)
		if got := drawAll(d, list); !slices.Equal(got, want[1][:]) {
			t.Errorf("random, counter %d: %v, want %v", counter, got, want[1])
		}
	}
}

// Over many counters the first draw follows the weights: 5, 0, 1 and 10 of 16.
func TestDrawsFollowTheWeights(t *testing.T) {
	ticket, _ := wire.ParseSelectionTicket(vector(t, "ticket"))
	list, _ := wire.ParseSelectionList(vector(t, "list"))
	const rounds = 16_000
	var count [4]int
	for counter := range uint32(rounds) {
		i, _ := policy.NewDraws(&ticket, counter, wire.WeightedRandom, list).Next()
		count[i]++
	}
	for i, e := range list {
		want := rounds * int(e.Policy.Weight) / 16
		// Five standard deviations of a binomial are below 320 everywhere.
		if diff := count[i] - want; diff > 320 || diff < -320 || (want == 0 && count[i] != 0) {
			t.Errorf("element %s drawn %d times, want about %d", e.ID, count[i], want)
		}
	}
}

func TestOnlyRandomPoliciesAreProvable(t *testing.T) {
	for _, p := range []wire.PolicyType{
		wire.RoundRobin, wire.WeightedRoundRobin, wire.Priority, wire.LeastUsed,
		wire.LeastUsedDegradation, wire.PriorityLeastUsed, wire.RandomizedLeastUsed, 0x8badf00d,
	} {
		if policy.Provable(p) {
			t.Errorf("%s is said to be provable", p)
		}
	}
	if !policy.Provable(wire.Random) || !policy.Provable(wire.WeightedRandom) {
		t.Error("a random policy is not provable")
	}
}
