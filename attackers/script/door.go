// SPDX-License-Identifier: Apache-2.0

package script

import (
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Door is one address of the system under test, as a stranger on the network sees it.
type Door struct {
	Protocol          wire.Protocol
	Transport         association.Transport
	Secured           bool
	Addr              netip.AddrPort
	EncapsulationPort uint16 // UDP port of SCTP over UDP; 0 for the default
}

// String describes the door without its address: "asap sctp-udp tls".
func (d Door) String() string {
	security := "clear"
	if d.Secured {
		security = "tls"
	}
	return fmt.Sprintf("%s %s %s", d.Protocol, d.Transport, security)
}
