// SPDX-License-Identifier: Apache-2.0

package script

import "net"

// Interferer is a Recorder that stands between the nodes and the wire: it counts what
// attackers send, and shows what the harness makes of its own faults, such as an attacker
// that sends nothing.
type Interferer interface {
	// Position returns what a node's transport is wrapped in. hostile tells whose node it
	// is; wrap is a position that somebody else takes on its path, nil for none.
	Position(hostile bool, wrap func(net.Conn) net.Conn) func(net.Conn) net.Conn
	// Datagram is asked before each datagram of an attacker, and tells whether it may go.
	Datagram() bool
}

// Position is what the transport of a node is to be wrapped in: wrap, and whoever interferes
// between it and the wire. Attackers that do not use Open or Listen ask for it themselves.
func Position(r Recorder, hostile bool, wrap func(net.Conn) net.Conn) func(net.Conn) net.Conn {
	if i, ok := r.(Interferer); ok {
		return i.Position(hostile, wrap)
	}
	return wrap
}

// MaySend is to be asked before an attacker sends a datagram.
func MaySend(r Recorder) bool {
	i, ok := r.(Interferer)
	return !ok || i.Datagram()
}
