// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	// patience is how long a test waits for what must happen, and an attacker for what
	// a registrar must do.
	patience = 10 * time.Second
	// brief is how long an attacker waits for a registrar that is silent on purpose.
	brief = 300 * time.Millisecond
)

var hosts atomic.Uint32

// host returns a loopback address that no other test of this run uses.
func host() netip.Addr {
	n := hosts.Add(1)
	return netip.AddrFrom4([4]byte{127, 71, 100 + byte(n>>8), byte(n)})
}

// evidence is a Recorder that keeps the messages.
type evidence struct {
	mu     sync.Mutex
	events []script.Event
	keyLog int
	sent   []byte
}

func (e *evidence) Record(r association.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.Outbound {
		e.sent = append(e.sent, r.Data...)
	}
}

// outbound is what has left the attacker, as it is on the wire.
func (e *evidence) outbound() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return bytes.Clone(e.sent)
}

func (e *evidence) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keyLog += len(p)
	return len(p), nil
}

func (e *evidence) Message(m script.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, m)
}

func (e *evidence) all() []script.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]script.Event(nil), e.events...)
}

// heard is what a registrar got.
type heard struct {
	message wire.Message
	info    association.Info
	ppid    uint32
}

// registrar is a fake: it takes associations at one door, tells what it got, and answers
// what it is told to.
type registrar struct {
	door   script.Door
	heard  chan heard
	failed chan error // handshakes
	answer func(wire.Message) []wire.Message
	hangUp func(wire.Message) bool
}

// alice is the identity that the fake knows.
const alice = "pe-alice"

func aliceKey() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// open serves at a fresh address until the test ends. wrap is below TLS, at the registrar.
func open(t *testing.T, tr association.Transport, secured bool, r *registrar, change ...func(*association.ListenConfig)) *registrar {
	t.Helper()
	r.heard, r.failed = make(chan heard, 64), make(chan error, 64)
	at := netip.AddrPortFrom(host(), 3863)
	c := association.ListenConfig{Transport: tr, Addr: at, PPID: wire.ASAP.PPID(), OnHandshakeError: func(_ netip.AddrPort, err error) { r.failed <- err }}
	if tr.IsSCTP() {
		stack, err := association.NewStack(association.StackConfig{Local: at.Addr(), Transport: tr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stack.Close() })
		c.Stack = stack
	}
	if secured {
		c.TLS = &tlspsk.Config{
			Lookup: func(identity string) []byte {
				if identity == alice {
					return aliceKey()
				}
				return nil
			},
			Certificates: &tls.Config{Certificates: []tls.Certificate{certificate(t)}, MinVersion: tls.VersionTLS12},
		}
	}
	for _, f := range change {
		f(&c)
	}
	l, err := association.Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	r.door = script.Door{Protocol: wire.ASAP, Transport: tr, Secured: secured, Addr: l.Addr()}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			a, err := l.Accept(ctx)
			if err != nil {
				return
			}
			running.Go(func() { r.serve(ctx, a) })
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		running.Wait()
	})
	return r
}

func (r *registrar) serve(ctx context.Context, a association.Association) {
	defer a.Abort("end")
	for {
		in, err := a.Receive(ctx)
		if err != nil {
			return
		}
		m, err := wire.Decode(wire.ASAP, in.Payload, nil)
		if err != nil {
			return
		}
		r.heard <- heard{m, a.Info(), in.PPID}
		if r.hangUp != nil && r.hangUp(m) {
			return
		}
		if r.answer == nil {
			continue
		}
		for _, answer := range r.answer(m) {
			b, err := wire.Encode(answer)
			if err != nil || a.Send(ctx, association.Message{Payload: b}) != nil {
				return
			}
		}
	}
}

// next is the next message that the registrar got.
func (r *registrar) next(t *testing.T) heard {
	t.Helper()
	select {
	case h := <-r.heard:
		return h
	case <-time.After(patience):
		t.Fatal("nothing arrived")
		return heard{}
	}
}

// refusal is why the next handshake failed at the registrar.
func (r *registrar) refusal(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.failed:
		return err
	case <-time.After(patience):
		t.Fatal("no handshake failed")
		return nil
	}
}

func (r *registrar) nothingArrived(t *testing.T) {
	t.Helper()
	select {
	case h := <-r.heard:
		t.Errorf("%s arrived", h.message.Name())
	default:
	}
}

// site is where the attacker of a test stands.
func site(t *testing.T, wait time.Duration, doors ...script.Door) (Site, *evidence) {
	t.Helper()
	e, company := &evidence{}, &Company{}
	t.Cleanup(company.Leave)
	at := host()
	return Site{
		Doors: doors, Local: func() netip.Addr { return at }, Recorder: e, Wire: wire.Strict(), Patience: wait, Company: company,
	}, e
}

// silent takes TCP connections and never says a word.
func silent(t *testing.T) script.Door {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(host(), 3864)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: l.Addr().(*net.TCPAddr).AddrPort()}
}

// closed is a door that nobody listens at.
func closed(secured bool) script.Door {
	return script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: secured, Addr: netip.AddrPortFrom(host(), 3864)}
}

// registration is what attackers of these tests send, and granted what it is answered with.
func registration() *wire.Registration {
	return &wire.Registration{PoolHandle: []byte("EchoPool"), Element: wire.PoolElement{
		ID: 0x11223344, Life: 300, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: 7777, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.66")}},
	}}
}

func granted(wire.Message) []wire.Message {
	return []wire.Message{&wire.RegistrationResponse{PoolHandle: []byte("EchoPool"), PEID: 0x11223344}}
}

func isRegistration(m wire.Message) bool {
	r, ok := m.(*wire.Registration)
	return ok && r.Element.ID == 0x11223344
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registrar.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// alert is what TLS told the side whose error is err.
func alert(err error) (sent, received string) {
	var a *tlspsk.AlertError
	if errors.As(err, &a) {
		return a.Sent, a.Received
	}
	return "", ""
}
