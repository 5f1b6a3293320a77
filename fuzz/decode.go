// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// decoder is wire.Decode or something in its place.
type decoder func(p wire.Protocol, b []byte, o *wire.Options) (wire.Message, error)

// presets returns the options under which everything has to hold.
func presets() [3]wire.Options {
	return [...]wire.Options{wire.Strict(), wire.Lenient(), wire.Rsplib()}
}

var protocols = [...]wire.Protocol{wire.ASAP, wire.ENRP}

// decode decodes the input under each preset: what is refused is refused with an error that
// says where, and what the sender is owed for it can be sent.
func decode(data []byte, p wire.Protocol, decode decoder) int {
	kept := 0
	for _, o := range presets() {
		m, err := decode(p, data, &o)
		if err != nil {
			checkRefusal(data, p, err)
			continue
		}
		if m.Protocol() != p || m.Type() != data[0] {
			panic(fmt.Sprintf("%s message 0x%02x decoded as %s", p, data[0], m.Name()))
		}
		kept = 1
	}
	return kept
}

func checkRefusal(data []byte, p wire.Protocol, err error) {
	var refusal *wire.DecodeError
	if !errors.As(err, &refusal) || refusal.Err == nil || refusal.Protocol != p {
		panic(fmt.Sprintf("refused without a reason: %#v", err))
	}
	if refusal.Offset < 0 || refusal.Offset > len(data) || refusal.Element == "" {
		panic(fmt.Sprintf("refused without a place: %#v", refusal))
	}
	cause, owed := refusal.Report()
	if !owed {
		return
	}
	if _, err := wire.Encode(&wire.ENRPError{Sender: 1, Causes: []wire.Cause{cause}}); err != nil {
		panic(fmt.Sprintf("owed report cannot be sent: %v", err))
	}
}
