// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMessagesInSCTPAreFoundByPPID(t *testing.T) {
	for name, b := range vectors(t) {
		p := protocolOf(name)
		packet := bytesOf(t, &layers.SCTP{SrcPort: 1, DstPort: 2}, data(p.PPID()), gopacket.Payload(b))
		message := wire.MessageName(p, b[0])
		layer := decoded(t, packet, layers.LayerTypeSCTP, "SCTP", "SCTPData", message).Layer(TypeOf(p, b[0]))
		m, ok := layer.(*Message)
		if !ok || m.Message.Name() != message || string(m.LayerContents()) != string(b) {
			t.Errorf("%s: %v", name, layer)
		}
	}
}

func TestBundledChunksAreDecoded(t *testing.T) {
	v := vectors(t)
	odd := []byte{1, 2, 3}
	b := bytesOf(t, &layers.SCTP{}, data(wire.PPIDASAP), gopacket.Payload(v["A05"]))
	b = append(b, bytesOf(t, data(99), gopacket.Payload(odd))...)
	b = append(b, bytesOf(t, data(wire.PPIDENRP), gopacket.Payload(v["E05"]))...)
	packet := decoded(t, b, layers.LayerTypeSCTP,
		"SCTP", "SCTPData", "ASAP_HANDLE_RESOLUTION", "SCTPData", "Payload", "SCTPData", "ENRP_LIST_REQUEST")
	if payload := packet.Layers()[4].LayerContents(); string(payload) != string(odd) {
		t.Errorf("payload %x", payload)
	}
}

func TestFragmentsStayPayload(t *testing.T) {
	chunk := data(wire.PPIDASAP)
	chunk.EndFragment = false
	decoded(t, bytesOf(t, &layers.SCTP{}, chunk, gopacket.Payload(vectors(t)["A01"])),
		layers.LayerTypeSCTP, "SCTP", "SCTPData", "Payload")
}

func TestDataChunkRefusals(t *testing.T) {
	whole := bytesOf(t, &layers.SCTP{}, data(wire.PPIDASAP), gopacket.Payload(vectors(t)["A05"]))
	const chunk = 12 // offset in the packet
	short := append([]byte{}, whole...)
	short[chunk+3] = dataHeader - 1
	long := append([]byte{}, whole...)
	long[chunk+3]++
	for want, b := range map[error][]byte{wire.ErrLength: short, wire.ErrTruncated: long} {
		e := gopacket.NewPacket(b, layers.LayerTypeSCTP, gopacket.Default).ErrorLayer()
		if e == nil || !errors.Is(e.Error(), want) {
			t.Errorf("%v: error layer %v", want, e)
		}
	}
	if e := gopacket.NewPacket(whole[:chunk+5], layers.LayerTypeSCTP, gopacket.Default).ErrorLayer(); e == nil || !errors.Is(e.Error(), wire.ErrTruncated) {
		t.Errorf("error layer %v", e)
	}
}

// Whatever bytes follow an SCTP header, decoding ends without panic. gopacket's
// own chunk decoders may panic and are only entered through its recovery.
func FuzzSCTP(f *testing.F) {
	f.Add([]byte{0, 3, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 11})
	f.Fuzz(func(_ *testing.T, b []byte) {
		gopacket.NewPacket(append(make([]byte, 12), b...), layers.LayerTypeSCTP, gopacket.Default).Layers()
	})
}
