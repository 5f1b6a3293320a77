// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"crypto/x509"
	mathrand "math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

const pool = "EchoPool"

// The elements of the tests (addresses from RFC 5737).
const (
	peA = wire.PEID(0xa)
	peB = wire.PEID(0xb)
	peC = wire.PEID(0xc)
)

var elementAddrs = map[wire.PEID]string{
	peA: "192.0.2.10:7", peB: "192.0.2.11:7", peC: "192.0.2.12:7",
}

// element is a pool element on TCP with the given policy values.
func element(id wire.PEID, p wire.Policy) wire.PoolElement {
	at := netip.MustParseAddrPort(elementAddrs[id])
	return wire.PoolElement{
		ID: id, Life: 60, Policy: p,
		User: wire.Transport{Kind: wire.TransportTCP, Port: at.Port(), Addrs: []netip.Addr{at.Addr()}},
	}
}

// directory is what registrars know: elements by pool.
type directory struct {
	mu       sync.Mutex
	policy   wire.Policy
	elements []wire.PoolElement
	ticket   []byte
	asked    int
}

// listed makes the pool consist of the given elements under priority, first one first.
func listed(ids ...wire.PEID) *directory {
	d := &directory{policy: wire.Policy{Type: wire.Priority}}
	for i, id := range ids {
		d.elements = append(d.elements, element(id, wire.Policy{Type: wire.Priority, Priority: uint32(100 - i)}))
	}
	return d
}

func (d *directory) set(f func(*directory)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

func (d *directory) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func (d *directory) response(m *wire.HandleResolution) *wire.HandleResolutionResponse {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	r := &wire.HandleResolutionResponse{PoolHandle: slices.Clone(m.PoolHandle)}
	if string(m.PoolHandle) != pool || len(d.elements) == 0 {
		r.Causes = []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
		return r
	}
	r.Policy, r.HasPolicy, r.Elements = d.policy, true, slices.Clone(d.elements)
	r.Ticket = d.ticket
	return r
}

// resolver is a registrar that answers resolutions at a host, on any number of associations, and
// keeps the unreachable reports.
type resolver struct {
	*host
	reports chan *wire.EndpointUnreachable
	others  chan wire.Message
}

func (n *network) registrar(name, addr string, d *directory) *resolver {
	r := &resolver{
		host:    n.add(name, addr),
		reports: make(chan *wire.EndpointUnreachable, 256), others: make(chan wire.Message, 256), // more than a test sends
	}
	go func() {
		for {
			select {
			case m := <-r.accepted:
				go r.serve(&node{host: r.host, Association: m}, d)
			case <-n.t.Context().Done():
				return
			}
		}
	}()
	return r
}

func (r *resolver) serve(n *node, d *directory) {
	for {
		switch m := n.next().(type) {
		case nil:
			return
		case *wire.HandleResolution:
			n.send(d.response(m))
		case *wire.EndpointUnreachable:
			r.net.note("report %s", m.PEID)
			r.reports <- m
		default:
			r.others <- m
		}
	}
}

// reported returns the reports that have arrived.
func (r *resolver) reported() []wire.PEID {
	var ids []wire.PEID
	for {
		select {
		case m := <-r.reports:
			ids = append(ids, m.PEID)
		default:
			return ids
		}
	}
}

// The registrars of the tests.
const (
	addr1 = "192.0.2.1:3864"
	addr2 = "192.0.2.2:3864"
	addr3 = "192.0.2.3:3864"
	addr4 = "192.0.2.4:3864"
	addr5 = "192.0.2.5:3864"
)

func server(addr string) pooluser.Server {
	return pooluser.Server{Transport: association.TCP, Addr: netip.MustParseAddrPort(addr)}
}

// start returns a secured pool user of n that knows the registrars at addrs. The
// certificates are checked by the network, see host.info.
func (n *network) start(change func(*pooluser.Config), addrs ...string) *pooluser.User {
	n.t.Helper()
	credentials := pooluser.Credentials{RootCAs: x509.NewCertPool()}
	cfg := pooluser.Config{
		Credentials: credentials, Elements: pooluser.Elements{Credentials: credentials},
		Dial: n.dialFunc, Rand: mathrand.NewPCG(1, 2),
	}
	for _, a := range addrs {
		cfg.Servers = append(cfg.Servers, server(a))
	}
	if change != nil {
		change(&cfg)
	}
	u, err := pooluser.New(n.t.Context(), cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := u.Close(context.Background()); err != nil {
			n.t.Error(err)
		}
	})
	return u
}

// within returns a context for one call; time is virtual in a bubble.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// elementsOf returns the identifiers in a resolution.
func elementsOf(r pooluser.Resolution) []wire.PEID {
	var ids []wire.PEID
	for i := range r.Elements {
		ids = append(ids, r.Elements[i].ID)
	}
	return ids
}

// defences changes one defence of a configuration.
func defences(change func(*pooluser.Defences)) func(*pooluser.Config) {
	return func(c *pooluser.Config) {
		d := pooluser.NewDefences()
		change(&d)
		c.Defences = &d
	}
}

// handleOf returns the pool handle that a request asks for.
func handleOf(b []byte) string {
	m, err := wire.Decode(wire.ASAP, b, nil)
	if r, ok := m.(*wire.HandleResolution); err == nil && ok {
		return string(r.PoolHandle)
	}
	return ""
}

// positive is the response of a registrar whose pool has the elements of d.
func positive(handle string, d *directory) *wire.HandleResolutionResponse {
	return &wire.HandleResolutionResponse{PoolHandle: []byte(handle), Policy: d.policy, HasPolicy: true, Elements: d.elements}
}
