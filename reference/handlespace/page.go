// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rspthreat/rspthreat/reference/wire"

// Cursor is a position in the handle table. The zero value is its beginning.
// Pools and elements keep their positions as long as they live. Therefore a
// download finds every element that is there from its first page to its last
// exactly once, whatever comes and goes meanwhile; what comes is announced to
// peers anyway (RFC 5353 section 3.3).
type Cursor struct {
	pool uint32
	slot uint32
}

// Page returns the part of the handle table after the cursor that takes at most
// maxBytes in an ENRP_HANDLE_TABLE_RESPONSE, not counting its 12 bytes of header,
// but at least one element; the cursor for the next page; and whether there is
// more, the M flag (RFC 5353 section 3.2.3). maxBytes is cut to [MaxPage], which 0
// stands for. own leaves out the elements of other servers, the W flag.
func (s *Space) Page(after Cursor, maxBytes int, own bool) (pools []wire.PoolEntry, next Cursor, more bool) {
	if maxBytes <= 0 || maxBytes > MaxPage {
		maxBytes = MaxPage
	}
	used := 0
	for number := after.pool; int(number) < len(s.table); number++ {
		p := s.table[number]
		if p == nil {
			continue
		}
		slot := uint32(0)
		if number == after.pool {
			slot = after.slot
		}
		entry := -1
		for ; int(slot) < len(p.slots); slot++ {
			e := p.slots[slot]
			if e == nil || own && e.pe.Home != s.options.Server {
				continue
			}
			n := EncodedSize(&e.pe)
			if entry < 0 {
				n += handleSize(len(p.handle))
			}
			if used > 0 && used+n > maxBytes {
				return pools, Cursor{number, slot}, true
			}
			used += n
			if entry < 0 {
				entry = len(pools)
				pools = append(pools, wire.PoolEntry{PoolHandle: wire.PoolHandle(p.handle)})
			}
			pools[entry].Elements = append(pools[entry].Elements, e.pe)
		}
	}
	return pools, Cursor{uint32(len(s.table)), 0}, false
}
