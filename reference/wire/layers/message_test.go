// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMessageIsSerialized(t *testing.T) {
	want := vectors(t)["A05"]
	m := &Message{Message: &wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")}}
	if got := bytesOf(t, m); string(got) != string(want) {
		t.Errorf("got %x, want %x", got, want)
	}
	m.Message = &wire.HandleResolution{}
	if err := m.SerializeTo(gopacket.NewSerializeBuffer(), gopacket.SerializeOptions{}); !errors.Is(err, wire.ErrMissing) {
		t.Errorf("error %v", err)
	}
}

func TestMalformedMessageDoesNotHideTheNext(t *testing.T) {
	v := vectors(t)
	bad := wire.RawMessage(wire.TypeCookie).Bytes()
	sctp := bytesOf(t, &layers.SCTP{}, data(wire.PPIDASAP), gopacket.Payload(bad))
	sctp = append(sctp, bytesOf(t, data(wire.PPIDASAP), gopacket.Payload(v["A05"]))...)
	tcp := bytesOf(t, &layers.TCP{DstPort: layers.TCPPort(wire.PortASAP)}, gopacket.Payload(append(bad, v["A05"]...)))
	for _, packet := range []gopacket.Packet{
		decoded(t, sctp, layers.LayerTypeSCTP, "SCTP", "SCTPData", "MalformedRSerPool", "SCTPData", "ASAP_HANDLE_RESOLUTION"),
		decoded(t, tcp, layers.LayerTypeTCP, "TCP", "MalformedRSerPool", "ASAP_HANDLE_RESOLUTION"),
	} {
		if e := packet.ErrorLayer(); e == nil || !errors.Is(e.Error(), wire.ErrMissing) {
			t.Errorf("error layer %v", e)
		}
	}
}
