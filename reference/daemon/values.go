// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net/netip"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// security tells whether the file asks for TLS, which is the default.
func (d *document) security(c *common) (secured bool) {
	if d.err == nil && c.Version != Version {
		d.fail("version", "is %d, must be %d", c.Version, Version)
	}
	return d.oneOf("security", c.Security, "secured", "clear") == "secured"
}

// oneOf returns value, or the first of the allowed ones when it is empty.
func (d *document) oneOf(place, value string, allowed ...string) string {
	if value == "" {
		return allowed[0]
	}
	for _, a := range allowed {
		if value == a {
			return a
		}
	}
	d.fail(place, "is %q, must be one of %s", value, strings.Join(allowed, ", "))
	return allowed[0]
}

// required notes that value is missing.
func (d *document) required(place, value string) {
	if value == "" {
		d.fail(place, "is missing")
	}
}

func (d *document) endpoint(place, value string) netip.AddrPort {
	d.required(place, value)
	a, err := netip.ParseAddrPort(value)
	if err != nil {
		d.fail(place, "%q: %w", value, err)
	}
	return a
}

// address may be empty: then it is not valid.
func (d *document) address(place, value string) netip.Addr {
	if value == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(value)
	if err != nil {
		d.fail(place, "%w", err)
	}
	return a
}

func (d *document) transport(place, value string, allowed ...association.Transport) association.Transport {
	d.required(place, value)
	names := make([]string, 0, len(allowed))
	for _, a := range allowed {
		names = append(names, string(a))
	}
	return association.Transport(d.oneOf(place, value, names...))
}

// duration sets into, unless value is empty.
func (d *document) duration(place, value string, into *time.Duration) {
	if value == "" {
		return
	}
	v, err := time.ParseDuration(value)
	if err != nil || v <= 0 {
		d.fail(place, "%q is not a positive duration like 5s", value)
		return
	}
	*into = v
}
