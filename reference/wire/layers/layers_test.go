// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// vectors returns the messages of the wire package by name.
func vectors(t *testing.T) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]byte)
	for block := range strings.SplitSeq(string(text), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		if len(lines) != 2 || strings.HasPrefix(lines[0], "#") {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(lines[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		found[strings.Fields(lines[0])[0]] = b
	}
	if len(found) != 32 {
		t.Fatalf("%d vectors", len(found))
	}
	return found
}

// protocolOf tells a vector's protocol by its name.
func protocolOf(name string) wire.Protocol {
	if name[0] == 'E' {
		return wire.ENRP
	}
	return wire.ASAP
}

// data is a DATA chunk with a whole user message.
func data(ppid uint32) *layers.SCTPData {
	return &layers.SCTPData{
		SCTPChunk:     layers.SCTPChunk{Type: layers.SCTPChunkTypeData},
		BeginFragment: true, EndFragment: true, TSN: 1, PayloadProtocol: layers.SCTPPayloadProtocol(ppid),
	}
}

// bytesOf serializes layers.
func bytesOf(t *testing.T, l ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, l...); err != nil {
		t.Fatal(err)
	}
	return append([]byte{}, b.Bytes()...)
}

// decoded decodes eagerly and lazily and expects the same layers both times.
func decoded(t *testing.T, b []byte, first gopacket.LayerType, want ...string) gopacket.Packet {
	t.Helper()
	var packet gopacket.Packet
	for _, o := range []gopacket.DecodeOptions{{}, {Lazy: true}, {SkipDecodeRecovery: true}} {
		o.DecodeStreamsAsDatagrams = true
		packet = gopacket.NewPacket(b, first, o)
		var got []string
		for _, l := range packet.Layers() {
			got = append(got, l.LayerType().String())
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%+v: layers %v\nwant %v", o, got, want)
		}
	}
	return packet
}
