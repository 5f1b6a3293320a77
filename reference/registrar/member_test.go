// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// member is a host with pool elements. It looks for another registrar when it notices that
// it has lost its home, acknowledges every keep-alive, and follows one with H=1.
type member struct {
	n          *network
	addr       netip.Addr
	identity   string
	elements   []wire.PEID
	registrars []netip.Addr
	ctx        context.Context
	cancel     context.CancelFunc
	wg         sync.WaitGroup

	mu         sync.Mutex
	home       association.Association
	keepAlives []time.Time // when they came
	claims     int         // keep-alives with H=1
}

// elementKeyOf is by which registrars show themselves to a member.
func elementKeyOf(identity string) []byte { return []byte("registrar to " + identity) }

func newMember(n *network, addr netip.Addr, identity string, elements []wire.PEID, registrars ...netip.Addr) *member {
	m := &member{n: n, addr: addr, identity: identity, elements: elements, registrars: registrars}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	n.attach(addr, m)
	m.wg.Go(m.hunt)
	return m
}

func (m *member) close() {
	m.cancel()
	m.mu.Lock()
	home := m.home
	m.mu.Unlock()
	if home != nil {
		_ = home.Abort("closed")
	}
	m.wg.Wait()
}

func (m *member) key(identity string) []byte {
	if identity == "registrar" {
		return elementKeyOf(m.identity)
	}
	return nil
}

func (m *member) serve(a association.Association, _ wire.Protocol) { m.wg.Go(func() { m.listen(a) }) }

// hunt registers all elements at the first registrar that is there.
func (m *member) hunt() {
	for i := 0; m.ctx.Err() == nil; i++ {
		ctx, cancel := context.WithTimeout(m.ctx, time.Second)
		a, err := m.n.dial(ctx, m.addr, registrar.Destination{
			Protocol: wire.ASAP, Transport: association.SCTPUDP,
			Addr:       netip.AddrPortFrom(m.registrars[i%len(m.registrars)], wire.PortASAPTLS),
			Credential: &registrar.Credential{Identity: m.identity, Key: []byte("key of " + m.identity)},
		})
		cancel()
		if err == nil && m.register(a) {
			m.listen(a)
		}
		select {
		case <-time.After(time.Second):
		case <-m.ctx.Done():
		}
		m.mu.Lock()
		moved := m.home != nil
		m.mu.Unlock()
		if moved {
			return // a registrar came to us, and listen goes on there
		}
	}
}

func (m *member) register(a association.Association) bool {
	for _, id := range m.elements {
		pe := element(id, m.addr)
		pe.Life = 3600
		send(a, registration(pool, pe))
		for {
			answer := receive(m.ctx, a)
			if answer == nil {
				return false
			}
			if r, ok := answer.(*wire.RegistrationResponse); ok {
				if r.Reject {
					m.n.t.Errorf("%s rejected: %v", id, r.Causes)
				}
				break
			}
		}
	}
	m.mu.Lock()
	m.home = a
	m.mu.Unlock()
	return true
}

func (m *member) listen(a association.Association) {
	defer func() { _ = a.Abort("done") }()
	for {
		message := receive(m.ctx, a)
		m.mu.Lock()
		if message == nil {
			lost := m.home == a
			if lost {
				m.home = nil
			}
			m.mu.Unlock()
			if lost && m.ctx.Err() == nil {
				m.wg.Go(m.hunt)
			}
			return
		}
		k, ok := message.(*wire.EndpointKeepAlive)
		old := m.home
		if ok {
			m.keepAlives = append(m.keepAlives, time.Now())
			if k.NewHome {
				m.claims++
				m.home = a
			}
		}
		m.mu.Unlock()
		if !ok {
			continue
		}
		if k.NewHome && old != nil && old != a {
			_ = old.Close(m.ctx)
		}
		for _, id := range m.elements { // it does not say which one (RFC 5352 section 2.2.7)
			send(a, &wire.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: id})
		}
	}
}

func send(a association.Association, m wire.Message) {
	b, err := wire.Encode(m)
	if err == nil {
		_ = a.Send(context.Background(), association.Message{Payload: b, PPID: m.Protocol().PPID()}) // an end is seen by receive
	}
}

// receive returns the next ASAP message, nil when the association has ended.
func receive(ctx context.Context, a association.Association) wire.Message {
	m, err := a.Receive(ctx)
	if err != nil {
		return nil
	}
	message, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if err != nil {
		return nil
	}
	return message
}
