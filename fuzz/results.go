// SPDX-License-Identifier: Apache-2.0

// go-fuzz copies packages without the directories that they embed, and package reports embeds some.
//go:build !gofuzz

package fuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/rspthreat/rspthreat/reports"
)

// FuzzResults reads the input as a results.json: it is refused, or written again it is read as
// the same.
func FuzzResults(data []byte) int { return results(data, reports.ReadResults) }

func results(data []byte, read func(io.Reader) (*reports.Results, error)) int {
	r, err := read(bytes.NewReader(data))
	if err != nil {
		if r != nil {
			panic(fmt.Sprintf("refused (%v) and returned", err))
		}
		return 0
	}
	if r.Schema != reports.SchemaID {
		panic(fmt.Sprintf("results of schema %q were read", r.Schema))
	}
	first := written(r)
	again, err := read(bytes.NewReader(first))
	if err != nil {
		panic(fmt.Sprintf("written as what is refused: %v: %s", err, first))
	}
	if second := written(again); !bytes.Equal(first, second) {
		panic(fmt.Sprintf("written as %s, read and written again as %s", first, second))
	}
	for _, one := range r.Results {
		if reports.Worse(one.Verdict, reports.HarnessError) != reports.HarnessError {
			panic(fmt.Sprintf("verdict %q is worse than all", one.Verdict))
		}
	}
	return 1
}

func written(r *reports.Results) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("accepted and cannot be written: %v", err))
	}
	return b
}
