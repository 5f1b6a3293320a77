// SPDX-License-Identifier: Apache-2.0

package poolelement

// fromRegistrar refuses every message of a node that has not shown to be a registrar: the
// messages that an element takes over its registrar associations all come from registrars
// (draft section 2.6).
func fromRegistrar(q *Query) error {
	if q.Peer.Role != RegistrarRole {
		return refuse("%s from %s, a %s", q.Message.Name(), q.Peer.Info.Remote, q.Peer.Role)
	}
	return nil
}
