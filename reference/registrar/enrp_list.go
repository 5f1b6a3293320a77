// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"cmp"
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// listRequest answers with the peers whose addresses are known, or rejects during our own
// start-up (RFC 5353 section 3.2.2.2).
func (r *Registrar) listRequest(s *session) {
	answer := wire.ListResponse{Sender: r.cfg.ServerID, Receiver: s.peer, Reject: !r.ready}
	for id, p := range r.peers {
		if r.ready && id != s.peer && p.hasInfo && p.active {
			answer.Servers = append(answer.Servers, p.info)
		}
	}
	slices.SortFunc(answer.Servers, func(a, b wire.ServerInformation) int { return cmp.Compare(a.ID, b.ID) })
	s.send(&answer)
}
