// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"encoding/binary"

	"github.com/google/gopacket"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// stream decodes the messages in a TCP segment or UDP datagram. A message that
// the segment does not contain to its end is left as payload: reassembly is
// for tcpassembly.
type stream wire.Protocol

// Decode adds the first message and leaves the rest to itself.
func (s stream) Decode(data []byte, p gopacket.PacketBuilder) error {
	protocol := wire.Protocol(s)
	if len(data) < wire.HeaderLength {
		return incomplete(data, p)
	}
	n, err := wire.FrameLength([wire.HeaderLength]byte(data))
	switch {
	case err != nil: // there is no telling where the next message starts
		add(protocol, data, nil, p)
		return nil
	case len(data) < int(binary.BigEndian.Uint16(data[2:])):
		return incomplete(data, p)
	}
	n = min(n, len(data))
	add(protocol, data[:n], data[n:], p)
	if n == len(data) {
		return nil
	}
	return p.NextDecoder(s)
}

// incomplete adds the start of a message as payload.
func incomplete(data []byte, p gopacket.PacketBuilder) error {
	p.SetTruncated()
	return gopacket.DecodePayload.Decode(data, p)
}
