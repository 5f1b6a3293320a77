// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMessagesInTCPAndUDPAreFoundByPort(t *testing.T) {
	for name, b := range vectors(t) {
		p := protocolOf(name)
		port := wire.PortASAP
		if p == wire.ENRP {
			port = wire.PortENRP
		}
		message := wire.MessageName(p, b[0])
		decoded(t, bytesOf(t, &layers.TCP{DstPort: layers.TCPPort(port)}, gopacket.Payload(b)),
			layers.LayerTypeTCP, "TCP", message)
		decoded(t, bytesOf(t, &layers.UDP{SrcPort: layers.UDPPort(port)}, gopacket.Payload(b)),
			layers.LayerTypeUDP, "UDP", message)
	}
}

func TestSegmentsOfAStream(t *testing.T) {
	v := vectors(t)
	segment := func(b ...byte) []byte {
		return bytesOf(t, &layers.TCP{DstPort: layers.TCPPort(wire.PortASAP)}, gopacket.Payload(b))
	}
	two := append(append([]byte{}, v["A05"]...), v["A02"]...)
	decoded(t, segment(two...), layers.LayerTypeTCP, "TCP", "ASAP_HANDLE_RESOLUTION", "ASAP_DEREGISTRATION")
	cut := decoded(t, segment(two[:len(two)-1]...), layers.LayerTypeTCP, "TCP", "ASAP_HANDLE_RESOLUTION", "Payload")
	if !cut.Metadata().Truncated {
		t.Error("half a message is not called truncated")
	}
	decoded(t, segment(1, 0), layers.LayerTypeTCP, "TCP", "Payload")
	decoded(t, segment(1, 0, 0, 3, 1, 0), layers.LayerTypeTCP, "TCP", "MalformedRSerPool")
}
