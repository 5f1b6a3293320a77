// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"encoding/binary"
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// dataHeader is the length of a DATA chunk's header (RFC 9260 section 3.3.1).
const dataHeader = 16

// Flags of a DATA chunk.
const (
	flagEnd       = 0x01
	flagBegin     = 0x02
	flagUnordered = 0x04
)

// decodeData decodes a DATA chunk, the message in it and the chunks after it.
func decodeData(data []byte, p gopacket.PacketBuilder) error {
	if len(data) < dataHeader {
		p.SetTruncated()
		return fmt.Errorf("layers: DATA chunk of %d bytes: %w", len(data), wire.ErrTruncated)
	}
	length := int(binary.BigEndian.Uint16(data[2:]))
	if length < dataHeader {
		return fmt.Errorf("layers: DATA chunk length %d: %w", length, wire.ErrLength)
	}
	if length > len(data) {
		p.SetTruncated()
		return fmt.Errorf("layers: DATA chunk length %d of %d bytes: %w", length, len(data), wire.ErrTruncated)
	}
	chunk := &layers.SCTPData{
		SCTPChunk: layers.SCTPChunk{
			BaseLayer: layers.BaseLayer{Contents: data[:dataHeader], Payload: data[dataHeader:length]},
			Type:      layers.SCTPChunkType(data[0]), Flags: data[1], Length: uint16(length), ActualLength: dataHeader,
		},
		Unordered:       data[1]&flagUnordered != 0,
		BeginFragment:   data[1]&flagBegin != 0,
		EndFragment:     data[1]&flagEnd != 0,
		TSN:             binary.BigEndian.Uint32(data[4:]),
		StreamId:        binary.BigEndian.Uint16(data[8:]),
		StreamSequence:  binary.BigEndian.Uint16(data[10:]),
		PayloadProtocol: layers.SCTPPayloadProtocol(binary.BigEndian.Uint32(data[12:])),
	}
	p.AddLayer(chunk)
	if err := decodeUserData(chunk, p); err != nil {
		return err
	}
	const alignment = 4
	next := data[min((length+alignment-1)/alignment*alignment, len(data)):]
	if len(next) == 0 {
		return nil
	}
	return layers.SCTPChunkType(next[0]).Decode(next, p)
}

// decodeUserData decodes what the chunk carries by its payload protocol identifier.
func decodeUserData(chunk *layers.SCTPData, p gopacket.PacketBuilder) error {
	protocol, ok := wire.ProtocolOf(uint32(chunk.PayloadProtocol))
	if !ok || !chunk.BeginFragment || !chunk.EndFragment {
		return gopacket.DecodePayload.Decode(chunk.Payload, p)
	}
	add(protocol, chunk.Payload, nil, p)
	return nil
}
