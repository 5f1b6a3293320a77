// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// chiSquare999 is the value that a fair chi-square statistic exceeds once in a
// thousand times, by degrees of freedom (NIST handbook, section 1.3.6.7.4).
var chiSquare999 = map[int]float64{1: 10.828, 2: 13.816, 3: 16.266, 4: 18.467, 5: 20.515, 9: 27.877}

// checkDistribution compares how often each outcome was seen with its probability.
func checkDistribution(t *testing.T, seen map[string]int, probability map[string]float64) {
	t.Helper()
	total := 0
	for outcome, n := range seen {
		total += n
		if probability[outcome] == 0 {
			t.Errorf("outcome %q is impossible, seen %d times", outcome, n)
		}
	}
	statistic := 0.0
	for outcome, p := range probability {
		expected := p * float64(total)
		statistic += math.Pow(float64(seen[outcome])-expected, 2) / expected
	}
	if limit := chiSquare999[len(probability)-1]; statistic > limit || limit == 0 {
		t.Errorf("chi-square %.1f exceeds %.1f: %v", statistic, limit, seen)
	}
}

const draws = 100_000

// sample counts the answers of many selections, as letters.
func sample(s Selector, n int) map[string]int {
	return sampleEach(n, func() Selector { return s })
}

// sampleEach is sample with another selector for each selection.
func sampleEach(n int, selector func() Selector) map[string]int {
	seen, dst := map[string]int{}, make([]Ref, 0, 16)
	for range draws {
		dst = selector().Select(n, dst[:0])
		answer := make([]byte, len(dst))
		for i, r := range dst {
			answer[i] = 'a' + byte(r)
		}
		seen[string(answer)]++
	}
	return seen
}

func TestRandomIsUniform(t *testing.T) {
	s := filled(wire.Random, make([]*wire.Policy, 10)...)
	probability := map[string]float64{}
	for r := range 10 {
		probability[string(rune('a'+r))] = 0.1
	}
	checkDistribution(t, sample(s, 1), probability)
}

func TestRandomOrderIsUniform(t *testing.T) {
	s := filled(wire.Random, nil, nil, nil, nil, nil)
	s.Remove(1)
	s.Remove(4)
	each := 1.0 / 6
	checkDistribution(t, sample(s, 0), map[string]float64{
		"acd": each, "adc": each, "cad": each, "cda": each, "dac": each, "dca": each,
	})
	s.Insert(1, nil)
	checkDistribution(t, sample(s, 1), map[string]float64{"a": .25, "b": .25, "c": .25, "d": .25})
}

// TestRandomForgetsItsOrder draws from new selectors, so that an order which only
// a long history makes uniform shows.
func TestRandomForgetsItsOrder(t *testing.T) {
	source, each := seeded(), 1.0/6
	seen := sampleEach(0, func() Selector {
		s := New(wire.Random, source)
		for r := range Ref(3) {
			s.Insert(r, nil)
		}
		return s
	})
	checkDistribution(t, seen, map[string]float64{
		"abc": each, "acb": each, "bac": each, "bca": each, "cab": each, "cba": each,
	})
}
