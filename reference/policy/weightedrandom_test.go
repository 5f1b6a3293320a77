// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestWeightedRandomFollowsWeights(t *testing.T) {
	s := filled(wire.WeightedRandom, weight(1), weight(2), weight(3), weight(0), weight(4))
	checkDistribution(t, sample(s, 1), map[string]float64{"a": .1, "b": .2, "c": .3, "e": .4})
	s.Update(0, weight(6))
	s.Remove(1)
	s.Update(3, weight(7))
	checkDistribution(t, sample(s, 1), map[string]float64{"a": .3, "c": .15, "d": .35, "e": .2})
}

func TestWeightedRandomDrawsTheSecondFromTheRest(t *testing.T) {
	s := filled(wire.WeightedRandom, weight(1), weight(2), weight(3))
	checkDistribution(t, sample(s, 2), map[string]float64{
		"ab": 1. / 6 * 2 / 5, "ac": 1. / 6 * 3 / 5,
		"ba": 2. / 6 * 1 / 4, "bc": 2. / 6 * 3 / 4,
		"ca": 3. / 6 * 1 / 3, "cb": 3. / 6 * 2 / 3,
	})
}

func TestWeightedRandomServesTheWeightlessOnlyAlone(t *testing.T) {
	s := filled(wire.WeightedRandom, weight(0), weight(0), weight(0))
	third := 1. / 3
	checkDistribution(t, sample(s, 1), map[string]float64{"a": third, "b": third, "c": third})
	s.Update(1, weight(1))
	expect(t, s, 3, "b", "b")
	s.Remove(1)
	checkDistribution(t, sample(s, 1), map[string]float64{"a": .5, "c": .5})
}

func TestWeightedRandomTakesExtremeWeights(t *testing.T) {
	s := filled(wire.WeightedRandom, weight(math.MaxUint32), weight(math.MaxUint32), weight(math.MaxUint32))
	third := 1. / 3
	checkDistribution(t, sample(s, 1), map[string]float64{"a": third, "b": third, "c": third})
}

func TestRandomizedLeastUsedFollowsFreeCapacity(t *testing.T) {
	s := filled(wire.RandomizedLeastUsed,
		load(math.MaxUint32), load(math.MaxUint32-100), load(math.MaxUint32-300), load(math.MaxUint32-600))
	checkDistribution(t, sample(s, 1), map[string]float64{"b": .1, "c": .3, "d": .6})
}

func TestRandomizedLeastUsedServesAFullyLoadedPool(t *testing.T) {
	s := filled(wire.RandomizedLeastUsed, load(math.MaxUint32))
	expect(t, s, 1, "a", "a")
}
