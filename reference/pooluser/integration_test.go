// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// world is a secured registrar with elements, all on loopback over real transports.
type world struct {
	t    *testing.T
	root *authority
	keys *registrar.Keys
	r    *registrar.Registrar
	at   netip.Addr
}

// pskOf is the key of an element.
func pskOf(name string) []byte { return []byte("the pre-shared key of element " + name) }

func newWorld(t *testing.T, at string) *world {
	t.Helper()
	w := &world{t: t, root: newAuthority(t, nil, "root", valid(-9*day, 9*day)), at: netip.MustParseAddr(at)}
	grant := registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}}
	var err error
	w.keys, err = registrar.NewKeys(
		registrar.Identity{Name: "a", Key: pskOf("a"), Grant: grant}, registrar.Identity{Name: "b", Key: pskOf("b"), Grant: grant},
		registrar.Identity{Name: "pu", Key: pskOf("pu"), Grant: registrar.Grant{Role: registrar.RolePU}})
	if err != nil {
		t.Fatal(err)
	}
	cert := show(newCertificate(t, w.root, registrarCertificate()))
	door := func(transport association.Transport) registrar.Door {
		return registrar.Door{Protocol: wire.ASAP, Transport: transport, Secured: true, Addr: netip.AddrPortFrom(w.at, wire.PortASAPTLS)}
	}
	w.r, err = registrar.Start(t.Context(), registrar.Config{
		ServerID: 1, Mode: registrar.Secured, Keys: w.keys, Certificates: &tls.Config{Certificates: []tls.Certificate{cert}},
		Doors: []registrar.Door{door(association.TCP), door(association.SCTPUDP)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// worker is a pool element: a registration, and a listener for data.
type worker struct {
	t     *testing.T
	home  association.Association // with the registrar
	users association.Listener
}

// work registers an element at addr and listens there for pool users, under TLS.
func (w *world) work(name string, id wire.PEID, addr string, transport association.Transport, priority uint32) *worker {
	w.t.Helper()
	at := netip.MustParseAddr(addr)
	c := registrarCertificate()
	c.DNSNames, c.IPAddresses = nil, []net.IP{at.AsSlice()}
	lc := association.ListenConfig{
		Transport: transport, Addr: netip.AddrPortFrom(at, 7000),
		TLS: &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{show(newCertificate(w.t, w.root, c))}}},
	}
	if transport.IsSCTP() {
		stack, err := association.NewStack(association.StackConfig{Local: at, Transport: transport})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { stack.Close() })
		lc.Stack = stack
	}
	l, err := association.Listen(w.t.Context(), lc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { l.Close() })
	d := association.Dialer{
		Transport: association.SCTPUDP, Local: at, PPID: wire.PPIDASAP,
		TLS: &tlspsk.Config{PSKIdentity: name, PSKKey: pskOf(name), Messages: true},
	}
	home, err := d.Dial(w.t.Context(), netip.AddrPortFrom(w.at, wire.PortASAPTLS))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { home.Abort("test ends") })
	k := &worker{t: w.t, home: home, users: l}
	kind := wire.TransportTCP
	if transport.IsSCTP() {
		kind = wire.TransportSCTP
	}
	use := wire.DataOnly // what RFC 5354 allows for TCP
	if kind == wire.TransportSCTP {
		use = wire.DataAndControl
	}
	k.send(&wire.Registration{PoolHandle: []byte(pool), Element: wire.PoolElement{
		ID: id, Life: 60, Policy: wire.Policy{Type: wire.Priority, Priority: priority},
		User: wire.Transport{Kind: kind, Port: 7000, Use: use, Addrs: []netip.Addr{at}},
	}})
	if r, ok := k.next().(*wire.RegistrationResponse); !ok || r.Reject {
		w.t.Fatalf("registration of %s: %+v", name, r)
	}
	return k
}

func (k *worker) send(m wire.Message) {
	k.t.Helper()
	b, err := wire.Encode(m)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.home.Send(k.t.Context(), association.Message{Payload: b}); err != nil {
		k.t.Fatal(err)
	}
}

// next returns what the registrar says next.
func (k *worker) next() wire.Message {
	k.t.Helper()
	m, err := k.home.Receive(within(k.t, patience))
	if err != nil {
		k.t.Fatal(err)
	}
	message, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return message
}

// accept returns the channel of the next pool user.
func (k *worker) accept() *channel.Channel {
	k.t.Helper()
	a, err := k.users.Accept(within(k.t, patience))
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { a.Abort("test ends") })
	ch, err := channel.New(a, channel.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	return ch
}

// user returns a pool user that trusts the authority of w.
func (w *world) user(change func(*pooluser.Config)) *pooluser.User {
	w.t.Helper()
	cred := pooluser.Credentials{RootCAs: pooled(w.root)}
	cfg := pooluser.Config{
		Servers:     []pooluser.Server{{Transport: association.TCP, Addr: netip.AddrPortFrom(w.at, 0), Name: registrarName}},
		Credentials: cred, Elements: pooluser.Elements{Credentials: cred},
	}
	change(&cfg)
	u, err := pooluser.New(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { u.Close(context.Background()) })
	return u
}

// tell sends a cookie and data to the pool user.
func tell(t *testing.T, ch *channel.Channel, cookie, data string) {
	t.Helper()
	if err := ch.SendControl(t.Context(), &wire.Cookie{Value: []byte(cookie)}); err != nil {
		t.Fatal(err)
	}
	if err := ch.SendData(t.Context(), []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, ch *channel.Channel) channel.Received {
	t.Helper()
	r, err := ch.Receive(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The whole path, with the reference registrar: resolution under TLS with a
// certificate, data and cookies with elements, a crash, failover and its report.
func TestPoolUserWithTheReferenceRegistrar(t *testing.T) {
	for _, tc := range []struct {
		name      string
		registrar association.Transport
		element   association.Transport
		net       string // a loopback network of its own
	}{
		{"TCP", association.TCP, association.TCP, "127.63.10."},
		{"SCTP", association.SCTPUDP, association.SCTPUDP, "127.63.11."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, tc.net+"1")
			a := w.work("a", peA, tc.net+"10", tc.element, 2)
			b := w.work("b", peB, tc.net+"11", tc.element, 1)
			u := w.user(func(c *pooluser.Config) { c.Servers[0].Transport = tc.registrar })
			s, err := u.Open(within(t, patience), pool)
			if err != nil {
				t.Fatal(err)
			}
			atA := a.accept()
			if err := s.Send(t.Context(), []byte("hello A")); err != nil {
				t.Fatal(err)
			}
			if got := hear(t, atA); string(got.Data) != "hello A" {
				t.Errorf("A got %q", got.Data)
			}
			tell(t, atA, "state of A", "hello PU")
			if r, err := s.Receive(within(t, patience)); err != nil || string(r.Data) != "hello PU" {
				t.Errorf("the pool user got %q, %v", r.Data, err)
			}

			atB := crash(t, s, a, atA, b)
			if _, protection, _ := s.Element(); !protection.Secured || !protection.Authenticated || !protection.Encrypted {
				t.Errorf("protection at B: %s", protection)
			}
			if err := u.Close(within(t, patience)); err != nil {
				t.Error(err)
			}
			if _, err := atB.Receive(within(t, patience)); !errors.Is(err, io.EOF) {
				t.Errorf("B: %v, want a graceful end", err)
			}
		})
	}
}

// crash ends a's channel and returns the one that the session goes on with at b.
func crash(t *testing.T, s *pooluser.Session, a *worker, atA *channel.Channel, b *worker) *channel.Channel {
	t.Helper()
	if err := atA.Association().Abort("crash"); err != nil {
		t.Fatal(err)
	}
	atB := b.accept()
	if err := s.Send(within(t, patience), []byte("hello B")); err != nil {
		t.Fatal(err)
	}
	if echo, ok := hear(t, atB).Control.(*wire.CookieEcho); !ok || string(echo.Value) != "state of A" {
		t.Errorf("first B got %+v, want the cookie", echo)
	}
	if got := hear(t, atB); string(got.Data) != "hello B" {
		t.Errorf("then B got %q", got.Data)
	}
	if f := <-s.Failovers(); f.From.ID != peA || f.To.ID != peB {
		t.Errorf("notice %s to %s", f.From.ID, f.To.ID)
	}
	// The registrar verifies the report by a keep-alive to A.
	if m, ok := a.next().(*wire.EndpointKeepAlive); !ok || string(m.PoolHandle) != pool {
		t.Errorf("A got %+v from its registrar, want a keep-alive", m)
	}
	return atB
}

func TestRegistrarThatKnowsThePoolUserByItsKey(t *testing.T) {
	w := newWorld(t, "127.63.12.1")
	w.work("a", peA, "127.63.12.10", association.TCP, 1)
	u := w.user(func(c *pooluser.Config) {
		c.Credentials = pooluser.Credentials{PSKIdentity: "pu", PSKKey: pskOf("pu")}
	})
	if r, err := u.Resolve(within(t, patience), pool); err != nil || len(r.Elements) != 1 {
		t.Errorf("%v, %v", r, err)
	}
}

// An announcement by UDP, to the IANA client channel on loopback.
func TestAnnouncedRegistrarIsFound(t *testing.T) {
	w := newWorld(t, "127.63.13.1")
	w.work("a", peA, "127.63.13.10", association.TCP, 1)
	group := netip.MustParseAddr("224.0.1.185")
	var at netip.AddrPort
	u := w.user(func(c *pooluser.Config) {
		c.Servers = nil
		c.Announce = &pooluser.Announce{
			Local: netip.MustParseAddrPort("0.0.0.0:0"), Groups: []netip.Addr{group}, Interface: "lo", Name: registrarName,
			Listen: func(ctx context.Context, a *pooluser.Announce) (pooluser.Source, error) {
				source, err := pooluser.ListenDatagram(ctx, a)
				if err == nil {
					at = source.(*association.Datagram).Local()
				}
				return source, err
			},
		}
	})
	sender, err := association.ListenDatagram(t.Context(), association.DatagramConfig{Local: netip.AddrPortFrom(w.at, 0), Interface: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sender.Close() })
	b, err := wire.Encode(&wire.ServerAnnounce{Server: 1, Transports: []wire.Transport{tcpAt(w.at.String() + ":3864")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), b, netip.AddrPortFrom(group, at.Port())); err != nil {
		t.Fatal(err)
	}
	if r, err := u.Resolve(within(t, patience), pool); err != nil || r.Server.Transport != association.TCP {
		t.Errorf("%v, %v", r, err)
	}
}
