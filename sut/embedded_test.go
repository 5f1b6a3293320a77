// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

func embedded(t *testing.T, faults ...Fault) *Embedded {
	t.Helper()
	e, err := NewEmbedded(faults...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func prepare(t *testing.T, e *Embedded, s Security) *Instance {
	t.Helper()
	i, err := e.Prepare(t.Context(), Wanted{Security: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := i.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return i
}

// ask sends m to the TCP door of i and returns the answer.
func ask(t *testing.T, i *Instance, m wire.Message) wire.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := association.Dialer{Transport: association.TCP, Local: i.Local(), PPID: wire.ASAP.PPID()}
	if i.Security == Secured {
		d.TLS = &tlspsk.Config{PSKIdentity: i.Credentials.Element.Identity, PSKKey: i.Credentials.Element.Key}
	}
	for _, door := range i.Find(wire.ASAP, i.Security == Secured) {
		if door.Transport != association.TCP {
			continue
		}
		a, err := d.Dial(ctx, door.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Abort("end of test") })
		b, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Send(ctx, association.Message{Payload: b}); err != nil {
			t.Fatal(err)
		}
		r, err := a.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := wire.Decode(wire.ASAP, r.Payload, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	t.Fatal("no TCP door")
	return nil
}

// TestInstancesDoNotGetInEachOthersWay: checks run side by side.
func TestInstancesDoNotGetInEachOthersWay(t *testing.T) {
	e := embedded(t)
	one, two, clear := prepare(t, e, Secured), prepare(t, e, Secured), prepare(t, e, Clear)
	if one.Doors[0].Addr.Addr() == two.Doors[0].Addr.Addr() {
		t.Fatalf("both are at %s", one.Doors[0].Addr)
	}
	pe := wire.PoolElement{
		ID: 7, Life: 300, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: 7777, Addrs: []netip.Addr{one.Local()}},
	}
	// The association comes from the next address, which is not the element's.
	one.local = func() netip.Addr { return pe.User.Addrs[0] }
	if r, ok := ask(t, one, &wire.Registration{PoolHandle: []byte(one.Pool), Element: pe}).(*wire.RegistrationResponse); !ok || r.Reject {
		t.Fatalf("registration: %+v", r)
	}
	for _, row := range []struct {
		name string
		at   *Instance
		want int
	}{{"where it registered", one, 1}, {"the other one", two, 0}, {"the one in clear", clear, 0}} {
		r, ok := ask(t, row.at, &wire.HandleResolution{PoolHandle: []byte(one.Pool)}).(*wire.HandleResolutionResponse)
		if !ok || len(r.Elements) != row.want {
			t.Errorf("%s: %+v, want %d elements", row.name, r, row.want)
		}
	}
	if len(one.Log()) == 0 {
		t.Error("no log of what happened")
	}
}

// TestInstanceComesWithTheDoorsAndAddressesOfItsHost: nodes come from other addresses than
// the registrar's, which a registrar may tell apart.
func TestInstanceComesWithTheDoorsAndAddressesOfItsHost(t *testing.T) {
	i := prepare(t, embedded(t), Secured)
	host := i.Doors[0].Addr.Addr()
	seen := map[netip.Addr]bool{}
	for range 250 {
		a := i.Local()
		if a == host || seen[a] || !a.IsLoopback() || a.As4()[3] == 255 || netip.PrefixFrom(host, 24).Masked() != netip.PrefixFrom(a, 24).Masked() {
			t.Fatalf("%s after %d others, with the registrar at %s", a, len(seen), host)
		}
		seen[a] = true
	}
	ports := map[bool]map[wire.Protocol]uint16{true: {wire.ASAP: 3864, wire.ENRP: 9902}, false: {wire.ASAP: 3863, wire.ENRP: 9901}}
	for _, d := range i.Doors {
		if d.Addr.Port() != ports[d.Secured][d.Protocol] {
			t.Errorf("%s: RFC 5352 section 8 and RFC 5353 section 5 have %d", d, ports[d.Secured][d.Protocol])
		}
	}
	certificate := embedded(t).server.Certificate
	leaf, err := x509.ParseCertificate(certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: i.Credentials.ServerName, Roots: i.Credentials.RootCAs}); err == nil {
		t.Error("the authority of one run vouches for the certificate of another")
	}
}

func TestCertificateIsOneThatItsAuthorityVouchesFor(t *testing.T) {
	e := embedded(t)
	leaf, err := x509.ParseCertificate(e.server.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: e.creds.ServerName, Roots: e.creds.RootCAs}); err != nil {
		t.Error(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "registrar.example", Roots: e.creds.RootCAs}); err == nil {
		t.Error("it is good for any name")
	}
}

// TestAddressInUseIsLeftToWhoHasIt: another run may be at the same loopback address.
func TestAddressInUseIsLeftToWhoHasIt(t *testing.T) {
	for _, row := range []struct {
		name string
		take func(t *testing.T, at netip.Addr) interface{ Close() error }
	}{
		{"a TCP port", func(t *testing.T, at netip.Addr) interface{ Close() error } {
			l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, portASAPTLS)))
			if err != nil {
				t.Fatal(err)
			}
			return l
		}},
		{"the encapsulation port", func(t *testing.T, at netip.Addr) interface{ Close() error } {
			l, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, association.EncapsulationPort)))
			if err != nil {
				t.Fatal(err)
			}
			return l
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			taken, free := netip.MustParseAddr("127.71.2.1"), netip.MustParseAddr("127.71.3.1")
			defer row.take(t, taken).Close()
			e, drawn := embedded(t), 0
			e.draw = func() netip.Addr {
				drawn++
				if drawn < 3 {
					return taken
				}
				return free
			}
			if i := prepare(t, e, Secured); i.Doors[0].Addr.Addr() != free || drawn != 3 {
				t.Errorf("the registrar is at %s after %d draws", i.Doors[0].Addr, drawn)
			}
		})
	}
}

func TestAddressInUseIsNotTriedForEver(t *testing.T) {
	at := netip.MustParseAddr("127.71.4.1")
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, portASAP)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e, drawn := embedded(t), 0
	e.draw = func() netip.Addr { drawn++; return at }
	if _, err := e.Prepare(t.Context(), Wanted{Security: Secured}); !errors.Is(err, syscall.EADDRINUSE) || drawn < 2 || drawn > 100 {
		t.Errorf("error %v after %d draws", err, drawn)
	}
	// An address that does not exist is not worth another try.
	drawn = 0
	e.draw = func() netip.Addr { drawn++; return netip.MustParseAddr("192.0.2.1") }
	if _, err := e.Prepare(t.Context(), Wanted{Security: Secured}); err == nil || drawn != 1 {
		t.Errorf("error %v after %d draws", err, drawn)
	}
}
