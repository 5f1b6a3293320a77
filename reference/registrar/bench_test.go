// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// The benchmarks take the whole path on loopback: association, TLS, all defences, handlespace,
// and the answer. Both ends are in the process, so that a registrar of its own does better.

// benchmarkLanes is how many associations are busy at once.
const benchmarkLanes = 16

// unhurried has all defences, with rates that a benchmark does not reach.
func unhurried(c *registrar.Config) {
	d, rates := registrar.NewDefences(), registrar.DefaultRates()
	rates.Changes = registrar.Limit{PerSecond: 1e9, Burst: 1e9}
	rates.Queries = rates.Changes
	d.Rate = registrar.NewRate(rates)
	c.Defences = &d
	c.Timers.KeepAlive = time.Hour // of the elements, which are only numbers here
}

// users opens a door for pool users, who check a certificate.
func users(t testing.TB) func(*registrar.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registrar"}, DNSNames: []string{"registrar"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *registrar.Config) {
		c.Certificates = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		c.Doors = append(c.Doors, registrar.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)})
	}
}

// dialUser comes as an anonymous pool user over TCP and TLS.
func (l *limited) dialUser() *caller {
	l.t.Helper()
	var door netip.AddrPort
	for _, d := range l.r.Doors() {
		if d.Transport == association.TCP {
			door = netip.AddrPortFrom(l.at, d.Addr.Port())
		}
	}
	d := association.Dialer{Transport: association.TCP, PPID: wire.PPIDASAP, TLS: &tlspsk.Config{
		Certificates: &tls.Config{InsecureSkipVerify: true}, // what the registrar does is the same
	}}
	a, err := d.Dial(l.t.Context(), door)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = a.Abort("test ends") })
	return &caller{l.t, a, wire.ASAP}
}

// lanes spreads b.N requests over associations, each of which waits for its answers.
func lanes(b *testing.B, callers []*caller, request func(lane, n int) wire.Message) {
	b.ResetTimer()
	var running sync.WaitGroup
	for lane, c := range callers {
		running.Go(func() {
			for n := lane; n < b.N; n += len(callers) {
				if m := c.ask(request(lane, n)); refusedBy(m) {
					b.Errorf("answer %+v", m)
					return
				}
			}
		})
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func refusedBy(m wire.Message) bool {
	switch m := m.(type) {
	case *wire.RegistrationResponse:
		return m.Reject
	case *wire.HandleResolutionResponse:
		return len(m.Causes) > 0
	}
	return true
}

func (l *limited) elements(n int) (callers []*caller) {
	for range n {
		callers = append(callers, l.dial("alice"))
	}
	return callers
}

// benchmarkElement is element n of a crowd, in pools of a thousand.
func benchmarkElement(l *limited, n int) wire.Message {
	pe := element(wire.PEID(n+1), l.at.Next())
	pe.Life = 3600
	return registration(fmt.Sprintf("pool %d", n/1000), pe)
}

func roomy(l *registrar.Limits) { l.MaxPerOwner, l.MaxPerAddress = l.MaxElements, l.MaxSessions }

// BenchmarkWholeRegistration registers new elements.
func BenchmarkWholeRegistration(b *testing.B) {
	l := startLimited(b, roomy, unhurried)
	lanes(b, l.elements(benchmarkLanes), func(_, n int) wire.Message { return benchmarkElement(l, n) })
}

// BenchmarkWholeUpdate registers the same 10,000 elements again and again, which each of two
// peer registrars hears.
func BenchmarkWholeUpdate(b *testing.B) {
	for _, peers := range []int{0, 2} {
		b.Run(fmt.Sprintf("peers=%d", peers), func(b *testing.B) {
			l := startLimited(b, roomy, unhurried)
			callers := l.elements(benchmarkLanes)
			for n := range 10_000 {
				callers[n%len(callers)].ask(benchmarkElement(l, n))
			}
			var heard sync.WaitGroup
			updates := make([]int, peers)
			for i := range peers {
				name := []string{"peer", "third"}[i]
				p := l.dial(name)
				id := map[string]wire.ServerID{"peer": peerID, "third": thirdID}[name]
				if _, ok := p.ask(&wire.Presence{Sender: id}).(*wire.Presence); !ok {
					b.Fatal("no peer")
				}
				heard.Go(func() {
					for updates[i] < b.N {
						m, err := p.assoc.Receive(context.Background())
						if err != nil {
							return
						}
						if m.Payload[0] == wire.TypeHandleUpdate {
							updates[i]++
						}
					}
				})
			}
			lanes(b, callers, func(_, n int) wire.Message { return benchmarkElement(l, n%10_000) })
			heard.Wait()
			for i, n := range updates {
				if n != b.N {
					b.Errorf("peer %d has heard %d updates of %d", i, n, b.N)
				}
			}
		})
	}
}

// BenchmarkWholeResolution resolves a pool of three elements under round robin, as a user does
// that authenticates the registrar by its certificate, and as an element does by its key.
func BenchmarkWholeResolution(b *testing.B) {
	l := startLimited(b, roomy, unhurried, users(b))
	a := l.dial("alice")
	for n := range 3 {
		a.ask(benchmarkElement(l, n))
	}
	resolve := func(int, int) wire.Message { return &wire.HandleResolution{PoolHandle: []byte("pool 0")} }
	b.Run("tcp", func(b *testing.B) {
		var callers []*caller
		for range benchmarkLanes {
			callers = append(callers, l.dialUser())
		}
		lanes(b, callers, resolve)
	})
	b.Run("sctp-udp", func(b *testing.B) { lanes(b, l.elements(benchmarkLanes), resolve) })
}

// BenchmarkWholeAssociation sets up an association with TLS-PSK, registers and ends it.
func BenchmarkWholeAssociation(b *testing.B) {
	l := startLimited(b, roomy, unhurried)
	b.ResetTimer()
	for n := range b.N {
		c := l.dial("alice")
		c.ask(benchmarkElement(l, n%1000))
		if err := c.assoc.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}
