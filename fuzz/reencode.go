// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// encoder is wire.Message.Append or something in its place.
type encoder func(m wire.Message, o *wire.Options) ([]byte, error)

// FuzzReencode decodes the input, encodes the message and decodes it again: its meaning stays,
// and from then on its bytes do too.
func FuzzReencode(data []byte) int {
	return reencode(data, func(m wire.Message, o *wire.Options) ([]byte, error) { return m.Append(nil, o) })
}

func reencode(data []byte, encode encoder) int {
	kept := 0
	for _, p := range protocols {
		for _, o := range presets() {
			m, err := wire.Decode(p, data, &o)
			if err != nil {
				continue
			}
			kept = 1
			checkFixpoint(m, &o, encode)
		}
	}
	return kept
}

func checkFixpoint(m wire.Message, o *wire.Options, encode encoder) {
	first, err := encode(m, o)
	if err != nil {
		var refusal *wire.EncodeError
		if !errors.As(err, &refusal) || refusal.Err == nil || !maybeUnsendable(refusal) {
			panic(fmt.Sprintf("%s was understood and cannot be sent: %v", m.Name(), err))
		}
		return
	}
	again, err := wire.Decode(m.Protocol(), first, o)
	if err != nil {
		panic(fmt.Sprintf("%s is not understood by its own kind: %v", m.Name(), err))
	}
	if !same(m, again) {
		panic(fmt.Sprintf("%s means something else after encoding: %+v, was %+v", m.Name(), again, m))
	}
	second, err := encode(again, o)
	if err != nil || !bytes.Equal(first, second) {
		panic(fmt.Sprintf("%s is encoded in two ways: %x, then %x, %v", m.Name(), first, second, err))
	}
}

// maybeUnsendable tells whether a refusal to encode is about something that may be received
// and must not be sent: a cause with information that is not its own, and a reserved policy.
func maybeUnsendable(e *wire.EncodeError) bool {
	return e.Element == "operation error" && e.Field == "cause" || e.Element == "policy" && e.Field == "type"
}
