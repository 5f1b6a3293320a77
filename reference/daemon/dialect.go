// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// dialect is how the RFCs are read, and what of them is left for others to get along.
type dialect struct {
	rsplib bool
	wire   wire.Options
	// group is where registrars announce themselves to elements and users.
	group netip.AddrPort
}

// rsplibGroup is where rsplib has its announcements, although IANA assigned another one
// (RFC 5352 section 8.4).
var rsplibGroup = netip.AddrFrom4([4]byte{239, 0, 0, 50})

// dialect returns that of the file, the RFCs' unless it asks for another.
func (d *document) dialect(c *common) dialect {
	if d.oneOf("dialect", c.Dialect, "rfc", "rsplib") == "rfc" {
		return dialect{wire: wire.Strict(), group: netip.AddrPortFrom(clientGroup, wire.PortASAP)}
	}
	if c.Security != "clear" {
		d.fail("dialect", "rsplib has no TLS: it needs security: clear")
	}
	return dialect{rsplib: true, wire: wire.Rsplib(), group: netip.AddrPortFrom(rsplibGroup, wire.PortASAP)}
}
