// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// clientGroup is where registrars announce themselves by default (RFC 5352 section 8.4).
var clientGroup = netip.AddrFrom4([4]byte{224, 0, 1, 185})

// announcements says where to listen for ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6).
type announcements struct {
	Listen    string   `yaml:"listen"`
	Groups    []string `yaml:"groups"`
	Interface string   `yaml:"interface"`
	SCTP      string   `yaml:"sctp"`
	Name      string   `yaml:"name"`
}

func (a *announcements) listen(d *document) netip.AddrPort {
	if a.Listen == "" {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), wire.PortASAP)
	}
	return d.endpoint("announcements.listen", a.Listen)
}

func (a *announcements) groups(d *document, x dialect) []netip.Addr {
	if len(a.Groups) == 0 {
		return []netip.Addr{x.group.Addr()}
	}
	groups := make([]netip.Addr, 0, len(a.Groups))
	for n, g := range a.Groups {
		place := fmt.Sprintf("announcements.groups[%d]", n)
		group := d.address(place, g)
		if !group.IsMulticast() {
			d.fail(place, "%q is not a multicast address", g)
		}
		groups = append(groups, group)
	}
	return groups
}

// sctp is how announced SCTP addresses are reached: in UDP unless the file says otherwise,
// since raw SCTP needs a privilege.
func (a *announcements) sctp(d *document) association.Transport {
	return association.Transport(d.oneOf("announcements.sctp", a.SCTP, string(association.SCTPUDP), string(association.SCTP), string(association.SCTPKernel)))
}
