// SPDX-License-Identifier: Apache-2.0

package tlspsk

import "fmt"

// hello is what the choice of an engine needs to know of a ClientHello.
type hello struct {
	pskSuite bool // offers a cipher suite with pre-shared key authentication
	tls13    bool // supported_versions names TLS 1.3
	pskOffer bool // has a pre_shared_key extension
}

// Extension numbers (RFC 8446 section 4.2).
const (
	extPreSharedKey      = 41
	extSupportedVersions = 43
)

// isPSKSuite reports whether the IANA registry names s TLS_[..]PSK_WITH_.., from
// RFC 4279, 4785, 5487, 5489, 6209, 6367, 6655, 7905 and 8442.
func isPSKSuite(s uint16) bool {
	for _, r := range [...][2]uint16{
		{0x002c, 0x002e},
		{0x008a, 0x0095},
		{0x00a8, 0x00b9},
		{0xc033, 0xc03b},
		{0xc064, 0xc071},
		{0xc08e, 0xc09b},
		{0xc0a4, 0xc0ab},
		{0xccab, 0xccae},
		{0xd001, 0xd005},
	} {
		if s >= r[0] && s <= r[1] {
			return true
		}
	}
	return false
}

// parseHello reads the body of a ClientHello (RFC 8446 section 4.1.2). It checks
// no more than the structure: what is wrong beyond that is for the engine to say.
func parseHello(body []byte) (hello, error) {
	var h hello
	in := cursor{b: body}
	in.take(2 + 32) // legacy_version, random
	in.vector8()    // legacy_session_id
	suites := in.vector16()
	in.vector8() // legacy_compression_methods
	for len(suites.b) > 0 && !suites.bad {
		h.pskSuite = isPSKSuite(suites.uint16()) || h.pskSuite
	}
	bad := in.bad || suites.bad
	if len(in.b) > 0 {
		bad = h.extensions(in.vector16()) || bad || in.bad || len(in.b) > 0
	}
	if bad {
		return h, fmt.Errorf("%w of %d octets", ErrMalformedHello, len(body))
	}
	return h, nil
}

// extensions reports whether the list is malformed.
func (h *hello) extensions(list cursor) (bad bool) {
	for len(list.b) > 0 && !list.bad {
		kind := list.uint16()
		data := list.vector16()
		switch kind {
		case extPreSharedKey:
			h.pskOffer = true
		case extSupportedVersions:
			versions := data.vector8()
			for len(versions.b) > 0 && !versions.bad {
				h.tls13 = Version(versions.uint16()) == TLS13 || h.tls13
			}
			bad = bad || data.bad || versions.bad
		}
	}
	return bad || list.bad
}

// cursor reads big-endian numbers and vectors; once it has run short it stays bad
// and yields zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	t := c.b[:n]
	c.b = c.b[n:]
	return t
}

func (c *cursor) uint16() uint16 {
	if t := c.take(2); t != nil {
		return uint16(t[0])<<8 | uint16(t[1])
	}
	return 0
}

func (c *cursor) vector8() cursor {
	n := 0
	if t := c.take(1); t != nil {
		n = int(t[0])
	}
	return c.sub(n)
}

func (c *cursor) vector16() cursor { return c.sub(int(c.uint16())) }

func (c *cursor) sub(n int) cursor {
	t := c.take(n)
	return cursor{b: t, bad: c.bad}
}
