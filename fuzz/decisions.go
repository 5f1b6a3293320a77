// SPDX-License-Identifier: Apache-2.0

package fuzz

// decisions reads an input as a stream of decisions, so that engines which know bytes only
// mutate what is done and not how it is written down. After its end all decisions are 0.
type decisions struct{ rest []byte }

// more tells whether there is something left to decide.
func (d *decisions) more() bool { return len(d.rest) > 0 }

func (d *decisions) octet() byte {
	if len(d.rest) == 0 {
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decisions) number() uint16 { return uint16(d.octet())<<8 | uint16(d.octet()) }

// take returns the next at most n bytes.
func (d *decisions) take(n int) []byte {
	n = min(n, len(d.rest))
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// pick decides for one of the list.
func pick[T any](d *decisions, list []T) T { return list[int(d.octet())%len(list)] }
