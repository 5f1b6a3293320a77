// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

const (
	// hopLimit is what most systems start with, so that no analyser remarks on it.
	hopLimit = 64
	// maxUDPPayload is the most that an IPv4 packet of 65535 bytes holds after 20 bytes of IP and 8 of UDP header.
	maxUDPPayload = 65535 - 20 - 8
)

// serialize fills in lengths and checksums.
var serialize = gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}

// ipLayer is an IPv4 or IPv6 header: it is written, and it lends its addresses to the checksum above it.
type ipLayer interface {
	gopacket.NetworkLayer
	gopacket.SerializableLayer
}

// ipHeader returns the header of a packet from src to dst.
// Addresses of a different family, or none, become addresses of one family: evidence with
// an approximate address is better than none.
func ipHeader(src, dst netip.Addr, p layers.IPProtocol) ipLayer {
	src, dst = sameFamily(src.Unmap().WithZone(""), dst.Unmap().WithZone(""))
	if src.Is4() {
		return &layers.IPv4{
			Version: 4, TTL: hopLimit, Flags: layers.IPv4DontFragment, Protocol: p,
			SrcIP: src.AsSlice(), DstIP: dst.AsSlice(),
		}
	}
	return &layers.IPv6{
		Version: 6, HopLimit: hopLimit, NextHeader: p,
		SrcIP: src.AsSlice(), DstIP: dst.AsSlice(),
	}
}

func sameFamily(a, b netip.Addr) (netip.Addr, netip.Addr) {
	if !a.IsValid() {
		a = unspecifiedLike(b)
	}
	if !b.IsValid() {
		b = unspecifiedLike(a)
	}
	switch {
	case a.Is4() == b.Is4():
		return a, b
	case a.IsUnspecified():
		return unspecifiedLike(b), b
	case b.IsUnspecified():
		return a, unspecifiedLike(a)
	default:
		return netip.AddrFrom16(a.As16()), netip.AddrFrom16(b.As16())
	}
}

func unspecifiedLike(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// udpPacket returns an IP packet that carries payload in a UDP datagram.
func udpPacket(src, dst netip.AddrPort, payload []byte) ([]byte, error) {
	ip := ipHeader(src.Addr(), dst.Addr(), layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: layers.UDPPort(src.Port()), DstPort: layers.UDPPort(dst.Port())}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, fmt.Errorf("udp checksum: %w", err)
	}
	return packetBytes(ip, udp, gopacket.Payload(payload))
}

// sctpPacket returns an IP packet (protocol 132) that carries an SCTP packet as it is, with its own checksum.
func sctpPacket(src, dst netip.Addr, sctp []byte) ([]byte, error) {
	return packetBytes(ipHeader(src, dst, layers.IPProtocolSCTP), gopacket.Payload(sctp))
}

func packetBytes(ls ...gopacket.SerializableLayer) ([]byte, error) {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, serialize, ls...); err != nil {
		return nil, fmt.Errorf("build packet: %w", err)
	}
	return buf.Bytes(), nil
}
