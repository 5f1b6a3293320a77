// SPDX-License-Identifier: Apache-2.0

package link

import (
	"encoding/binary"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Heard returns the messages that a system finds in what was said to it: in a stream, what their
// lengths make of it, up to the first that no message can have.
func (e *Exchange) Heard() (messages [][]byte) {
	var octets []byte
	for _, p := range e.Payloads {
		said := Sent(e.Caller, e.Address.Fill(nil, p.Octets))
		if stream(e.Caller) {
			octets = append(octets, said...)
		} else {
			messages = append(messages, said)
		}
	}
	for len(octets) >= wire.HeaderLength {
		n := int(binary.BigEndian.Uint16(octets[2:]))
		if n < wire.HeaderLength || n > len(octets) {
			break
		}
		messages = append(messages, octets[:n])
		octets = octets[min((n+3)&^3, len(octets)):]
	}
	return messages
}
