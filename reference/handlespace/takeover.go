// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rspthreat/rspthreat/reference/wire"

// Rehome makes one server the home of all elements of another (RFC 5353
// section 3.5.2) and returns them as they are now. Lives and owners stay.
// It looks at every element there is.
func (s *Space) Rehome(from, to wire.ServerID) []Element {
	if from == to || s.Owned(from) == 0 {
		return nil
	}
	var moved []Element
	for e := range s.each() {
		if e.pe.Home != from {
			continue
		}
		s.leave(e)
		e.pe.Home = to
		s.settle(e)
		e.marked = false // an audit of the new home began without it
		moved = append(moved, s.view(e))
	}
	return moved
}
