// SPDX-License-Identifier: Apache-2.0

package capture

import "github.com/gopacket/gopacket/layers"

// flow is one direction of an association.
type flow struct {
	network  string
	from, to uint16
	tag      uint32
}

// maxFragments bounds the fragments that are kept of messages that are not whole yet.
const maxFragments = 65_536

// fragments are user messages of which parts have come (RFC 9260 section 3.3.1), by flow and TSN.
type fragments map[flow]map[uint32]*part

type part struct {
	begin, end bool
	payload    []byte
	done       bool // delivered: what comes again is a retransmission
}

// add takes a DATA chunk and returns the message that it completes.
func (f fragments) add(key flow, d *layers.SCTPData) ([]byte, bool) {
	parts := f[key]
	if parts == nil {
		parts = map[uint32]*part{}
		f[key] = parts
	}
	if parts[d.TSN] != nil {
		return nil, false
	}
	if len(parts) >= maxFragments { // long ago
		clear(parts)
	}
	parts[d.TSN] = &part{begin: d.BeginFragment, end: d.EndFragment, payload: append([]byte(nil), d.Payload...)}
	first := d.TSN
	for p := parts[first]; !p.begin; p = parts[first] {
		if first--; parts[first] == nil || parts[first].end {
			return nil, false
		}
	}
	var message []byte
	for tsn := first; ; tsn++ {
		p := parts[tsn]
		if p == nil || p.begin && tsn != first {
			return nil, false
		}
		message = append(message, p.payload...)
		if p.end {
			for done := first; done != tsn+1; done++ {
				parts[done].payload, parts[done].done = nil, true
			}
			return message, true
		}
	}
}

// open counts the messages that are not whole.
func (f fragments) open() (n int) {
	for _, parts := range f {
		for _, p := range parts {
			if p.begin && !p.done {
				n++
			}
		}
	}
	return n
}
