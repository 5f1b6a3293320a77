// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// listRequest answers with the peers that have said who they are (RFC 5353 section 3.2.2.2).
func (r *Registrar) listRequest(s *session) {
	answer := wire.ListResponse{Sender: r.cfg.ServerID, Receiver: s.peer}
	for id, p := range r.peers {
		if id != s.peer && p.hasInfo && p.active {
			answer.Servers = append(answer.Servers, p.info)
		}
	}
	slices.SortFunc(answer.Servers, func(a, b wire.ServerInformation) int { return int(int64(a.ID) - int64(b.ID)) })
	s.send(&answer)
}
