// SPDX-License-Identifier: Apache-2.0

package poolelement

import "github.com/rspthreat/rspthreat/reference/wire"

// mayBeHome judges a keep-alive whose H flag would move the element to its sender (RFC 5352
// section 3.4, KA2.4). The RFC lets any node do that. Here the sender has to be a registrar
// authenticated on this very association (draft section 2.6), and an association speaks for
// one server: what has said another server ID before, or is known by one, cannot change it.
func mayBeHome(q *Query) error {
	m, ok := q.Message.(*wire.EndpointKeepAlive)
	switch {
	case !ok || !m.NewHome:
		return nil
	case q.Peer.Role != RegistrarRole:
		return refuse("%s, a %s, wants to be home", q.Peer.Info.Remote, q.Peer.Role)
	case q.Peer.Server != 0 && m.Server != q.Peer.Server:
		return refuse("%s speaks for server %s and wants to be home as %s", q.Peer.Info.Remote, q.Peer.Server, m.Server)
	}
	return nil
}
