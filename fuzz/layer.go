// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"encoding/binary"
	"fmt"

	"github.com/google/gopacket"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reference/wire/layers"
)

// FuzzLayer takes the input as a TCP segment: the gopacket layers find the messages in it that
// the decoder finds, with the same meaning.
func FuzzLayer(data []byte) int { return layer(data, dissect) }

// dissect returns the layers of a segment.
func dissect(p wire.Protocol, b []byte) []gopacket.Layer {
	first := layers.LayerTypeASAP
	if p == wire.ENRP {
		first = layers.LayerTypeENRP
	}
	return gopacket.NewPacket(b, first, gopacket.DecodeOptions{SkipDecodeRecovery: true}).Layers()
}

func layer(data []byte, dissect func(p wire.Protocol, b []byte) []gopacket.Layer) int {
	kept := 0
	if len(data) == 0 {
		return kept // no segment; gopacket finds a layer of nothing in it
	}
	for _, p := range protocols {
		rest := data
		found := dissect(p, data)
		for len(rest) > 0 {
			if len(found) == 0 {
				panic(fmt.Sprintf("%s: the last %d bytes belong to no layer", p, len(rest)))
			}
			n, accepted := checkLayer(p, rest, found[0])
			rest, found = rest[n:], found[1:]
			if accepted {
				kept = 1
			}
		}
		if len(found) > 0 {
			panic(fmt.Sprintf("%s: layer %v without bytes", p, found[0].LayerType()))
		}
	}
	return kept
}

// checkLayer compares the layer with what is at the beginning of b, and returns how long that is.
func checkLayer(p wire.Protocol, b []byte, got gopacket.Layer) (n int, accepted bool) {
	n = len(b)
	want := gopacket.LayerTypePayload // half a message
	var m wire.Message
	if length := messageLength(b); length >= 0 && length <= len(b) {
		if length >= wire.HeaderLength {
			n = min((length+3)&^3, len(b))
		}
		o := wire.Lenient()
		var err error
		want = layers.LayerTypeMalformed
		if m, err = wire.Decode(p, b[:n], &o); err == nil {
			want = layers.TypeOf(p, b[0])
		}
	}
	if got.LayerType() != want || len(got.LayerContents()) != n {
		panic(fmt.Sprintf("%s: layer %v of %d bytes, want %v of %d", p, got.LayerType(), len(got.LayerContents()), want, n))
	}
	if m == nil {
		return n, false
	}
	if layer, ok := got.(*layers.Message); !ok || !same(layer.Message, m) {
		panic(fmt.Sprintf("%s: the layer has %+v, the decoder %+v", p, got, m))
	}
	return n, true
}

// messageLength returns the Message Length, -1 if b ends before it.
func messageLength(b []byte) int {
	if len(b) < wire.HeaderLength {
		return -1
	}
	return int(binary.BigEndian.Uint16(b[2:]))
}
