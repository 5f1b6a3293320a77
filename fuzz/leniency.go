// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// FuzzLeniency decodes the input strictly and leniently: what the strict decoder understands,
// the lenient one does too, and it means the same.
func FuzzLeniency(data []byte) int { return leniency(data, wire.Decode) }

func leniency(data []byte, decode decoder) int {
	kept := 0
	for _, p := range protocols {
		strict := wire.Strict()
		want, err := decode(p, data, &strict)
		if err != nil {
			continue
		}
		kept = 1
		o := sameMeaning()
		got, err := decode(p, data, &o)
		if err != nil {
			panic(fmt.Sprintf("%s is understood by the strict decoder only: %v", want.Name(), err))
		}
		if !same(want, got) || !sameParameters(want.Unrecognized(), got.Unrecognized()) {
			panic(fmt.Sprintf("%s means %+v to the strict decoder and %+v to the lenient one", want.Name(), want, got))
		}
		lenient := wire.Lenient()
		if _, err := decode(p, data, &lenient); err != nil && !hasOption(want) {
			panic(fmt.Sprintf("%s is understood by the strict decoder only: %v", want.Name(), err))
		}
	}
	return kept
}

// sameMeaning returns the lenient options without those that give a meaning to what is
// reserved or unknown in the RFCs, and which a strict receiver therefore ignores.
func sameMeaning() wire.Options {
	o := wire.Lenient()
	o.TCPUse, o.TakeoverFlag, o.HandleResolutionOption = false, false, false
	return o
}

// hasOption tells whether the message has a handle resolution option, which may be wrong in
// itself for whoever knows it.
func hasOption(m wire.Message) bool {
	skipped := m.Unrecognized()
	return len(skipped) == wire.DefaultMaxUnrecognized || slices.ContainsFunc(skipped, func(p wire.Parameter) bool {
		return p.Type == wire.ParameterHandleResolution
	})
}
