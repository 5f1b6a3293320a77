// SPDX-License-Identifier: Apache-2.0

package sctp

import "sync/atomic"

// Stats counts what an endpoint did not deliver.
type Stats struct {
	BadChecksum  uint64 // packets for our ports whose checksum is wrong
	BadTag       uint64 // packets of an association with a wrong verification tag
	Oversize     uint64 // packets longer than the engine can read (8192 octets)
	QueueFull    uint64 // packets that came faster than the engine took them
	OutOfTheBlue uint64 // packets for our ports that belong to no association
	Refused      uint64 // INITs above a limit
	LinkErrors   uint64 // failed reads and writes of the link, treated as loss
}

// counters are Stats being counted.
type counters struct {
	badChecksum, badTag, oversize, queueFull, outOfTheBlue, refused, linkErrors atomic.Uint64
}

// Stats returns the counts so far.
func (e *Endpoint) Stats() Stats {
	c := &e.count
	return Stats{
		BadChecksum: c.badChecksum.Load(), BadTag: c.badTag.Load(), Oversize: c.oversize.Load(),
		QueueFull: c.queueFull.Load(), OutOfTheBlue: c.outOfTheBlue.Load(),
		Refused: c.refused.Load(), LinkErrors: c.linkErrors.Load(),
	}
}
