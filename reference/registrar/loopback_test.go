// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// loopback is where the three registrars and the element of TestGroupOverLoopback are.
func loopback(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 53, 53, byte(i)}) }

const (
	elementHost = 10
	loopbackPE  = wire.PEID(0x4242)
	// loopbackWait bounds every step of the test, which takes some tens of milliseconds; a
	// takeover with the timers below takes a second.
	loopbackWait = 20 * time.Second
)

// startLoopback runs registrar i of three over SCTP over UDP and TLS with pre-shared keys.
func startLoopback(t *testing.T, keys *registrar.Keys, i int) *registrar.Registrar {
	t.Helper()
	cfg := registrar.Config{
		ServerID: registrarID(i), Keys: keys,
		Credential: &registrar.Credential{Identity: fmt.Sprintf("registrar-%d", i), Key: fmt.Appendf(nil, "a long enough key of registrar-%d", i)},
		ElementCredential: func(handlespace.Element) (registrar.Credential, bool) {
			return registrar.Credential{Identity: "registrar", Key: []byte("the key that registrars show to pe-1")}, true
		},
		// Short, since the test runs in real time.
		Timers: registrar.Timers{
			PeerHeartbeat: 100 * time.Millisecond, MaxTimeLastHeard: 700 * time.Millisecond, MaxTimeNoResponse: 2 * time.Second,
			PeerRedial: 50 * time.Millisecond, MentorRetry: 50 * time.Millisecond,
		},
	}
	for _, protocol := range []wire.Protocol{wire.ENRP, wire.ASAP} {
		port := map[wire.Protocol]uint16{wire.ENRP: wire.PortENRPTLS, wire.ASAP: wire.PortASAPTLS}[protocol]
		cfg.Doors = append(cfg.Doors, registrar.Door{Protocol: protocol, Transport: association.SCTPUDP, Secured: true, Addr: netip.AddrPortFrom(loopback(i), port)})
	}
	for p := 1; p <= 3; p++ {
		if p != i {
			cfg.Peers = append(cfg.Peers, registrar.Peer{
				Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(loopback(p), wire.PortENRPTLS), Identity: fmt.Sprintf("registrar-%d", p),
			})
		}
	}
	r, err := registrar.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eventually polls what the registrars show, since nobody tells the test.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), loopbackWait)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", loopbackWait, what)
		}
	}
}

// hasElement tells whether the only element is there with that home.
func hasElement(r *registrar.Registrar, home ...wire.ServerID) bool {
	s := r.Snapshot()
	if len(s) != 1 || s[0].PE.ID != loopbackPE {
		return false
	}
	for _, h := range home {
		if s[0].PE.Home == h {
			return true
		}
	}
	return false
}

// TestGroupOverLoopback has three registrars and an element over real associations: the
// registrar of the element is stopped without the element being told, another one takes it
// over, and the first comes back.
func TestGroupOverLoopback(t *testing.T) {
	identities := []registrar.Identity{{Name: "pe-1", Key: []byte("a long enough key of pe-1"), Grant: registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}}}}
	for i := 1; i <= 3; i++ {
		identities = append(identities, registrar.Identity{
			Name: fmt.Sprintf("registrar-%d", i), Key: fmt.Appendf(nil, "a long enough key of registrar-%d", i),
			Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: registrarID(i)},
		})
	}
	keys, err := registrar.NewKeys(identities...)
	if err != nil {
		t.Fatal(err)
	}
	pe := openElement(t)
	defer pe.close() // last: registrars end their associations with it gracefully
	rs := map[int]*registrar.Registrar{}
	for i := 1; i <= 3; i++ {
		rs[i] = startLoopback(t, keys, i)
	}
	defer func() {
		for _, r := range rs {
			if err := r.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}()
	for i, r := range rs {
		eventually(t, fmt.Sprintf("registrar %d is in service and has two peers", i), func() bool {
			select {
			case <-r.InService():
				return r.Stats().Peers == 2
			default:
				return false
			}
		})
	}

	pe.register(t, 1)
	for i, r := range rs {
		eventually(t, fmt.Sprintf("registrar %d has the element", i), func() bool { return hasElement(r, registrarID(1)) })
	}
	if err := rs[1].Close(t.Context()); err != nil {
		t.Error(err)
	}
	delete(rs, 1)
	home := pe.claimed(t)
	if home != registrarID(2) && home != registrarID(3) {
		t.Fatalf("claimed by %s", home)
	}
	for i, r := range rs {
		eventually(t, fmt.Sprintf("registrar %d knows the new home", i), func() bool { return hasElement(r, home) })
	}
	rs[1] = startLoopback(t, keys, 1)
	eventually(t, "the registrar that is back has the element", func() bool { return hasElement(rs[1], home) })
}

// realElement is a pool element with a door for registrars.
type realElement struct {
	stack *association.Stack
	door  association.Listener
	wg    sync.WaitGroup
}

func openElement(t *testing.T) *realElement {
	t.Helper()
	stack, err := association.NewStack(association.StackConfig{Local: loopback(elementHost), Transport: association.SCTPUDP})
	if err != nil {
		t.Fatal(err)
	}
	door, err := association.Listen(t.Context(), association.ListenConfig{
		Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(loopback(elementHost), wire.PortASAPTLS), Stack: stack, PPID: wire.PPIDASAP,
		TLS: &tlspsk.Config{Messages: true, Lookup: func(identity string) []byte {
			if identity != "registrar" {
				return nil
			}
			return []byte("the key that registrars show to pe-1")
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &realElement{stack: stack, door: door}
}

func (e *realElement) close() {
	_ = e.door.Close()
	e.wg.Wait()
	_ = e.stack.Close()
}

// register registers at registrar i from the port of the door, where registrars find it.
func (e *realElement) register(t *testing.T, i int) {
	t.Helper()
	d := association.Dialer{
		Transport: association.SCTPUDP, Stack: e.stack, LocalPort: wire.PortASAPTLS, PPID: wire.PPIDASAP,
		TLS: &tlspsk.Config{Messages: true, PSKIdentity: "pe-1", PSKKey: []byte("a long enough key of pe-1")},
	}
	ctx, cancel := context.WithTimeout(t.Context(), loopbackWait)
	defer cancel()
	a, err := d.Dial(ctx, netip.AddrPortFrom(loopback(i), wire.PortASAPTLS))
	if err != nil {
		t.Fatal(err)
	}
	pe := element(loopbackPE, loopback(elementHost))
	pe.Life = elementLife
	send(a, registration(pool, pe))
	if m, ok := receive(ctx, a).(*wire.RegistrationResponse); !ok || m.Reject {
		t.Fatalf("registration: %+v", m)
	}
	e.read(a)
}

// read reads until the association ends: who does not read does not see its end.
func (e *realElement) read(a association.Association) {
	e.wg.Go(func() {
		for receive(context.Background(), a) != nil {
		}
		_ = a.Abort("ended")
	})
}

// claimed waits for a registrar that comes with H=1 and acknowledges.
func (e *realElement) claimed(t *testing.T) wire.ServerID {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), loopbackWait)
	defer cancel()
	a, err := e.door.Accept(ctx)
	if err != nil {
		t.Fatalf("no registrar comes: %v", err)
	}
	m, ok := receive(ctx, a).(*wire.EndpointKeepAlive)
	if !ok || !m.NewHome {
		t.Fatalf("got %+v, want a keep-alive with H=1", m)
	}
	send(a, &wire.EndpointKeepAliveAck{PoolHandle: m.PoolHandle, PEID: loopbackPE})
	e.read(a)
	return m.Server
}
