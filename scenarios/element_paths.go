// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"net"
	"net/netip"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
)

// paths are the positions of an attacker on the path of each association to a registrar. A
// busy element may begin several, of which it keeps one.
type paths[T any] struct {
	open func() (attacker T, position func(net.Conn) net.Conn)

	mu       sync.Mutex
	byRemote map[netip.AddrPort]T
}

// position is what an association is wrapped in.
func (p *paths[T]) position(raw net.Conn) net.Conn {
	attacker, position := p.open()
	p.mu.Lock()
	defer p.mu.Unlock()
	if remote, err := netip.ParseAddrPort(raw.RemoteAddr().String()); err == nil {
		if p.byRemote == nil {
			p.byRemote = make(map[netip.AddrPort]T)
		}
		p.byRemote[netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())] = attacker
	}
	return position(raw)
}

// on returns the attacker on the path of an association.
func (p *paths[T]) on(n *script.Node) (attacker T, there bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	remote := n.Info().Remote
	attacker, there = p.byRemote[netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())]
	return attacker, there
}
