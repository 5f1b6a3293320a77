// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rspthreat/rspthreat/reference/wire"

// Mark begins the re-synchronization with a server (RFC 5353 section 3.6.3 step
// 1): it marks all elements of which the server is the home. Register removes
// the mark. It looks at every element there is, and so does [Space.Sweep].
func (s *Space) Mark(server wire.ServerID) {
	for e := range s.each() {
		if e.pe.Home == server {
			e.marked = true
		}
	}
}

// Sweep ends the re-synchronization with a server (step 5): it removes its
// elements that are still marked, and returns them.
func (s *Space) Sweep(server wire.ServerID) []Element {
	var gone []Element
	for e := range s.each() {
		if e.marked && e.pe.Home == server {
			gone = append(gone, s.view(e))
			s.remove(e)
		}
	}
	return gone
}
