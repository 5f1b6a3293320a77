// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// limited is a secured registrar with small limits at a loopback address of its own, reached
// over SCTP over UDP and TLS.
type limited struct {
	t       testing.TB
	at      netip.Addr
	r       *registrar.Registrar
	secured bool
}

func keyOf(name string) []byte { return []byte("the key of " + name + ", long enough") }

func startLimited(t testing.TB, limits func(*registrar.Limits), more ...func(*registrar.Config)) *limited {
	t.Helper()
	pe := registrar.Grant{Role: registrar.RolePE, Pools: []string{registrar.AnyPool}}
	keys, err := registrar.NewKeys(
		registrar.Identity{Name: "alice", Key: keyOf("alice"), Grant: pe}, registrar.Identity{Name: "bob", Key: keyOf("bob"), Grant: pe},
		registrar.Identity{Name: "peer", Key: keyOf("peer"), Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: peerID}},
		registrar.Identity{Name: "third", Key: keyOf("third"), Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: thirdID}})
	if err != nil {
		t.Fatal(err)
	}
	l := &limited{t: t, at: netip.AddrFrom4([4]byte{127, byte(100 + rand.IntN(100)), byte(rand.IntN(256)), byte(1 + rand.IntN(250))})}
	cfg := registrar.Config{ServerID: serverID, Keys: keys, Limits: registrar.DefaultLimits()}
	limits(&cfg.Limits)
	for _, m := range more {
		m(&cfg)
	}
	l.secured = cfg.Mode == registrar.Secured
	for i := range cfg.Doors {
		cfg.Doors[i].Addr = netip.AddrPortFrom(l.at, cfg.Doors[i].Addr.Port())
	}
	for protocol, port := range map[wire.Protocol]uint16{wire.ASAP: wire.PortASAPTLS, wire.ENRP: wire.PortENRPTLS} {
		cfg.Doors = append(cfg.Doors, registrar.Door{Protocol: protocol, Transport: association.SCTPUDP, Secured: l.secured, Addr: netip.AddrPortFrom(l.at, port)})
	}
	if l.r, err = registrar.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// caller is a node at the far end of a real association.
type caller struct {
	t     testing.TB
	assoc association.Association
	proto wire.Protocol
}

// dial sets up an association as an identity, by what it may speak.
func (l *limited) dial(identity string) *caller {
	l.t.Helper()
	proto, port := wire.ASAP, wire.PortASAPTLS
	if identity == "peer" || identity == "third" {
		proto, port = wire.ENRP, wire.PortENRPTLS
	}
	d := association.Dialer{Transport: association.SCTPUDP, Local: l.at.Next(), PPID: proto.PPID()}
	if l.secured {
		d.TLS = &tlspsk.Config{PSKIdentity: identity, PSKKey: keyOf(identity), Messages: true}
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), loopbackWait)
	defer cancel()
	a, err := d.Dial(ctx, netip.AddrPortFrom(l.at, port))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = a.Abort("test ends") })
	return &caller{l.t, a, proto}
}

func (c *caller) send(b []byte) {
	if err := c.assoc.Send(c.t.Context(), association.Message{Payload: b, PPID: c.proto.PPID()}); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next message, nil at the end of the association.
func (c *caller) next() wire.Message {
	ctx, cancel := context.WithTimeout(c.t.Context(), loopbackWait)
	defer cancel()
	m, err := c.assoc.Receive(ctx)
	if ctx.Err() != nil {
		c.t.Fatal("nothing comes")
	}
	if err != nil {
		return nil
	}
	message, err := wire.Decode(c.proto, m.Payload, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return message
}

func (c *caller) ask(m wire.Message) wire.Message {
	c.t.Helper()
	b, err := wire.Encode(m)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(b)
	return c.next()
}

// register returns the causes of a rejection, nil if it was granted.
func (c *caller) register(handle string, id wire.PEID) []wire.CauseCode {
	c.t.Helper()
	m, ok := c.ask(registration(handle, element(id, c.assoc.Info().Local.Addr()))).(*wire.RegistrationResponse)
	if !ok || m.PEID != id || m.Reject != (len(m.Causes) > 0) {
		c.t.Fatalf("answer %+v", m)
	}
	return codes(m.Causes)
}

func codes(causes []wire.Cause) (list []wire.CauseCode) {
	for _, c := range causes {
		list = append(list, c.Code)
	}
	return list
}

// lacking is RFC 5354's answer to whoever runs into a limit.
var lacking = []wire.CauseCode{wire.CauseLackOfResources}

func checkCauses(t testing.TB, what string, got, want []wire.CauseCode) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: causes %v, want %v", what, got, want)
	}
}

func TestLimitsOfTheHandlespaceAreAnsweredWithLackOfResources(t *testing.T) {
	t.Run("pools", func(t *testing.T) {
		a := startLimited(t, func(l *registrar.Limits) { l.MaxPools = 1 }).dial("alice")
		checkCauses(t, "first pool", a.register("one", 1), nil)
		checkCauses(t, "second pool", a.register("two", 1), lacking)
		checkCauses(t, "second element of the first", a.register("one", 2), nil)
	})
	t.Run("elements", func(t *testing.T) {
		l := startLimited(t, func(l *registrar.Limits) { l.MaxElements = 2 })
		a, b := l.dial("alice"), l.dial("bob")
		checkCauses(t, "first", a.register("one", 1), nil)
		checkCauses(t, "second", a.register("one", 2), nil)
		checkCauses(t, "third", b.register("one", 3), lacking)
		checkCauses(t, "re-registration of the first", a.register("one", 1), nil)
	})
	t.Run("elements of an identity", func(t *testing.T) {
		l := startLimited(t, func(l *registrar.Limits) { l.MaxPerOwner = 1 })
		a, b := l.dial("alice"), l.dial("bob")
		checkCauses(t, "first", a.register("one", 1), nil)
		checkCauses(t, "second", a.register("two", 2), lacking)
		checkCauses(t, "second over another association", l.dial("alice").register("two", 2), lacking)
		checkCauses(t, "another identity's", b.register("two", 2), nil)
	})
	t.Run("rate", func(t *testing.T) {
		l := startLimited(t, func(*registrar.Limits) {}, func(c *registrar.Config) {
			d, rates := registrar.NewDefences(), registrar.DefaultRates()
			rates.Changes = registrar.Limit{PerSecond: 0, Burst: 2}
			d.Rate = registrar.NewRate(rates)
			c.Defences = &d
		})
		a, b := l.dial("alice"), l.dial("bob")
		checkCauses(t, "first", a.register("one", 1), nil)
		checkCauses(t, "second", a.register("one", 2), nil)
		checkCauses(t, "third", a.register("one", 3), lacking)
		checkCauses(t, "third over another association", l.dial("alice").register("one", 3), lacking)
		checkCauses(t, "another identity's", b.register("one", 3), nil)
	})
}

func TestLimitsOfAssociationsAreAnsweredWithLackOfResources(t *testing.T) {
	for name, limit := range map[string]func(*registrar.Limits){
		"all":         func(l *registrar.Limits) { l.MaxSessions = 1 },
		"per address": func(l *registrar.Limits) { l.MaxPerAddress = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			l := startLimited(t, limit)
			a := l.dial("alice")
			checkCauses(t, "first", a.register("one", 1), nil)
			b := l.dial("bob")
			if m, ok := b.next().(*wire.ASAPError); !ok || !slices.Equal(codes(m.Causes), lacking) {
				t.Errorf("second: told %+v", m)
			}
			if m := b.next(); m != nil {
				t.Errorf("second: the association goes on with %+v", m)
			}
			p := l.dial("peer")
			if m, ok := p.next().(*wire.ENRPError); !ok || m.Sender != serverID || !slices.Equal(codes(m.Causes), lacking) {
				t.Errorf("peer: told %+v", m)
			}
			checkCauses(t, "the first goes on", a.register("one", 2), nil)
			if err := a.assoc.Close(t.Context()); err != nil {
				t.Error(err)
			}
			eventually(t, "the association has gone", func() bool { return l.r.Stats().Elements == 2 && l.r.Associations() == 0 })
			checkCauses(t, "after the first", l.dial("bob").register("one", 3), nil)
		})
	}
}

func TestLimitOfPeersIsAnsweredWithLackOfResources(t *testing.T) {
	l := startLimited(t, func(l *registrar.Limits) { l.MaxPeers = 1 })
	if m, ok := l.dial("peer").ask(&wire.Presence{Sender: peerID}).(*wire.Presence); !ok {
		t.Fatalf("first peer: %+v", m)
	}
	if m, ok := l.dial("third").ask(&wire.Presence{Sender: thirdID}).(*wire.ENRPError); !ok || !slices.Equal(codes(m.Causes), lacking) {
		t.Errorf("second peer: %+v", m)
	}
}

func TestLimitOfDownloadsRejects(t *testing.T) {
	l := startLimited(t, func(l *registrar.Limits) { l.MaxTableSessions, l.TableBytes = 1, 200 })
	a := l.dial("alice")
	for id := range wire.PEID(20) {
		checkCauses(t, "registration", a.register("one", id+1), nil)
	}
	download := func(c *caller, id wire.ServerID) *wire.HandleTableResponse {
		for {
			switch m := c.ask(&wire.HandleTableRequest{Sender: id}).(type) {
			case *wire.HandleTableResponse:
				return m
			case nil:
				t.Fatal("the association has ended")
			}
		}
	}
	if m := download(l.dial("peer"), peerID); m.Reject || !m.More || len(m.Pools[0].Elements) > 4 {
		t.Errorf("first: %+v, want a page of 200 bytes and more to follow", m)
	}
	if m := download(l.dial("third"), thirdID); !m.Reject {
		t.Errorf("second: %+v, want it rejected", m)
	}
}

func TestLimitOfSubscriptionsIsNotGranted(t *testing.T) {
	a := startLimited(t, func(l *registrar.Limits) { l.MaxSubscriptions = 1 }).dial("alice")
	for i, pool := range []string{"one", "two"} {
		checkCauses(t, "registration", a.register(pool, 1), nil)
		m := a.ask(&wire.HandleResolution{Subscribe: true, PoolHandle: []byte(pool)}).(*wire.HandleResolutionResponse)
		if m.UpdatesAccepted != (i == 0) || len(m.Elements) != 1 {
			t.Errorf("pool %s: %+v", pool, m)
		}
	}
}

// A response holds MaxResolution elements, and never more octets than a message can have,
// however long the pool handle.
func TestLimitsOfAResolution(t *testing.T) {
	a := startLimited(t, func(l *registrar.Limits) { l.MaxResolution = 3000 }).dial("alice")
	for name, c := range map[string]struct {
		handle         string
		elements, want int
	}{
		"elements": {"one", 10, 10},
		"octets":   {string(make([]byte, 64_000)), 40, 30}, // 40 octets each
	} {
		for id := range wire.PEID(c.elements) {
			checkCauses(t, name, a.register(c.handle, id+1), nil)
		}
		m, ok := a.ask(&wire.HandleResolution{PoolHandle: []byte(c.handle)}).(*wire.HandleResolutionResponse)
		if !ok || len(m.Causes) > 0 || len(m.Elements) != c.want {
			t.Errorf("%s: %d elements, causes %v, want %d", name, len(m.Elements), m.Causes, c.want)
		}
	}
}

// What is in order and above a limit of the codec is told so; the association goes on.
func TestLimitsOfAMessage(t *testing.T) {
	a := startLimited(t, func(*registrar.Limits) {}).dial("alice")
	addresses := wire.RawParameter(wire.ParameterSCTP).Put16(7).Put16(0)
	for i := range wire.DefaultMaxAddresses + 1 {
		addresses.Add(wire.RawParameter(wire.ParameterIPv4).Put(10, 0, byte(i>>8), byte(i)))
	}
	a.send(wire.RawMessage(wire.TypeRegistration).Add(wire.RawParameter(wire.ParameterPoolHandle).Put('o', 'n', 'e'),
		wire.RawParameter(wire.ParameterPoolElement).Put32(1).Put32(0).Put32(60).Add(addresses, wire.RawParameter(wire.ParameterPolicy).Put32(1))).Bytes())
	if m, ok := a.next().(*wire.ASAPError); !ok || !slices.Equal(codes(m.Causes), lacking) {
		t.Errorf("too many addresses: %+v", m)
	}
	checkCauses(t, "afterwards", a.register("one", 1), nil)
}

// Anything malformed costs its sender the association and nobody else anything.
func TestMalformedMessagesCostTheAssociation(t *testing.T) {
	good, err := wire.Encode(registration("one", element(2, aliceHost)))
	if err != nil {
		t.Fatal(err)
	}
	malformed := map[string][]byte{
		"a length below the header":  {1, 0, 0, 3},
		"no element":                 wire.RawMessage(wire.TypeRegistration).Add(wire.RawParameter(wire.ParameterPoolHandle).Put('o')).Bytes(),
		"an empty handle":            wire.RawMessage(wire.TypeHandleResolution).Add(wire.RawParameter(wire.ParameterPoolHandle)).Bytes(),
		"a parameter below a header": wire.RawMessage(wire.TypeHandleResolution).Add(wire.RawParameter(wire.ParameterPoolHandle).Length(3)).Bytes(),
		"random octets":              {0x05, 0xff, 0x00, 0x08, 0xde, 0xad, 0xbe, 0xef},
		// Under TLS the rest might still come: there the association ends when it stalls.
		"a header cut short":       good[:3],
		"a message cut short":      good[:len(good)-4],
		"octets after the message": append(slices.Clone(good), 0, 0, 0, 0),
	}
	for _, mode := range []registrar.Mode{registrar.Secured, registrar.Insecure} {
		l := startLimited(t, func(*registrar.Limits) {}, func(c *registrar.Config) { c.Mode = mode })
		bob := l.dial("bob")
		checkCauses(t, "bob", bob.register("one", 1), nil)
		for name, b := range malformed {
			if mode == registrar.Secured && strings.Contains(name, "cut short") {
				continue
			}
			t.Run(mode.String()+"/"+name, func(t *testing.T) {
				a := l.dial("alice")
				a.send(b)
				for m := a.next(); m != nil; m = a.next() {
					if r, ok := m.(*wire.RegistrationResponse); !ok || name != "octets after the message" || mode != registrar.Secured {
						t.Errorf("answered by %+v", r) // a stream has two messages there, and the second is malformed
					}
				}
				checkCauses(t, "bob goes on", bob.register("one", 1), nil)
			})
		}
		eventually(t, "only bob is left", func() bool { return l.r.Associations() == 1 })
		if s := l.r.Stats(); mode == registrar.Insecure && s.Elements != 1 {
			t.Errorf("stats %+v", s)
		}
	}
}
