// SPDX-License-Identifier: Apache-2.0

package mutate

import "github.com/rspthreat/rspthreat/reference/wire"

// Longest returns the type and the length of the longest parameter of a message that holds no
// others; 0 when there is none.
func Longest(b []byte) (typ wire.ParameterType, length int) {
	m := parse(b)
	for _, n := range m.walk(nil)[1:] {
		if size := headerLength + len(n.fixed) + len(n.tail); len(n.parts) == 0 && size > length {
			typ, length = n.typ(), size
		}
	}
	return typ, length
}

// Has tells whether a message has a parameter of the type that is at least as long.
func Has(b []byte, typ wire.ParameterType, length int) bool {
	m := parse(b)
	for _, n := range m.walk(nil)[1:] {
		if n.typ() == typ && headerLength+len(n.fixed)+len(n.tail) >= length {
			return true
		}
	}
	return false
}
