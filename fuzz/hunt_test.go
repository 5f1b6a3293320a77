// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// variant makes an input of another one.
type variant func(r *rand.Rand, b []byte, limit int) []byte

// maxInput is the longest input of a hunt.
const maxInput = 4096

// maxKept bounds the inputs that a hunt goes on from.
const maxKept = 1024

// hunt is the simplest engine: variants of the seeds, and of variants that the target wants
// kept. It ends with the first fault, or when the budget of executions is used up. A seed of
// the generator makes it the same every time.
func hunt(target func([]byte) int, seeds [][]byte, vary variant, seed uint64, budget int) (executions int, fault any) {
	inputs := slices.Clone(seeds)
	r := rand.New(rand.NewPCG(seed, seed))
	for executions < budget && fault == nil {
		executions++
		input := vary(r, inputs[r.IntN(len(inputs))], maxInput)
		var kept int
		if kept, fault = execute(target, input); kept == 1 && len(inputs) < maxKept {
			inputs = append(inputs, input)
		}
	}
	return executions, fault
}

// execute runs the target and catches what it reports.
func execute(target func([]byte) int, input []byte) (kept int, fault any) {
	defer func() { fault = recover() }()
	return target(input), nil
}

// seeds reads a corpus.
func seeds(tb testing.TB, corpus string) (list [][]byte) {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join("corpus", corpus, "*"))
	if err != nil || len(names) == 0 {
		tb.Fatalf("no corpus %q: %v", corpus, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}
