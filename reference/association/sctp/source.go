// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"net"
	"net/netip"
)

// discardPort is a port to name where no packet will be sent.
const discardPort = 9

// SourceFor returns the address the kernel sends from, or unknown. Connecting a
// UDP socket sends nothing.
func SourceFor(peer, unknown netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, discardPort)))
	if err != nil {
		return unknown
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
