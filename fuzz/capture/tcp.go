// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/tcpassembly"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// stream is one direction of a TCP connection.
type stream struct {
	x        *extractor
	protocol wire.Protocol
	rest     []byte
	lost     bool
}

// New begins a stream, for the assembler.
func (x *extractor) New(_, transport gopacket.Flow) tcpassembly.Stream {
	from, to := binary.BigEndian.Uint16(transport.Src().Raw()), binary.BigEndian.Uint16(transport.Dst().Raw())
	protocol := x.protocol(from, to)
	if protocol == 0 {
		x.elsewhere[min(from, to)] = true
	}
	return &stream{x: x, protocol: protocol}
}

// tlsHandshake is the first octet of a TLS session.
const tlsHandshake = 0x16

// Reassembled takes the next octets. After a gap nobody knows where a message begins.
func (s *stream) Reassembled(list []tcpassembly.Reassembly) {
	for _, r := range list {
		if s.protocol == 0 || s.lost {
			return
		}
		if r.Skip > 0 {
			s.lose()
			return
		}
		s.rest = append(s.rest, r.Bytes...)
		s.messages()
	}
}

func (s *stream) lose() {
	s.lost, s.rest = true, nil
	s.x.result.Lost++
}

func (s *stream) messages() {
	for len(s.rest) >= wire.HeaderLength {
		if s.rest[0] == tlsHandshake {
			s.x.result.Secured++
			s.lost, s.rest = true, nil
			return
		}
		n, err := wire.FrameLength([wire.HeaderLength]byte(s.rest[:wire.HeaderLength]))
		if err != nil {
			s.lose()
			return
		}
		if n > len(s.rest) {
			return
		}
		s.x.add(s.protocol, s.rest[:n])
		s.rest = s.rest[n:]
	}
}

// ReassemblyComplete ends the stream.
func (s *stream) ReassemblyComplete() {
	if len(s.rest) > 0 && !s.lost {
		s.lose()
	}
}
