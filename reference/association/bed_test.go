// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association/kernelsctp"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	// everyTransport has SCTPKernel where the kernel does; package interop runs
	// these tests there.
	everyTransport = append([]Transport{TCP}, everySCTP()...)
	everySecurity  = []string{"clear", "psk", "certificate"}
)

func everySCTP() []Transport {
	list := []Transport{SCTPUDP, SCTP}
	if kernelsctp.Available() == nil {
		list = append(list, SCTPKernel)
	}
	return list
}

// host counts the loopback addresses given out.
var host atomic.Uint32

// address returns a loopback address that no other test of this run uses.
func address() netip.Addr {
	n := host.Add(1)
	return netip.AddrFrom4([4]byte{127, 23, byte(n >> 8), byte(n)})
}

// bed is a listener at one address and a Dialer at another.
type bed struct {
	stack    *Stack
	listener Listener
	dialer   Dialer
}

// each runs a test on every transport with every security.
func each(t *testing.T, f func(t *testing.T, tr Transport, security string)) {
	for _, tr := range everyTransport {
		for _, security := range everySecurity {
			t.Run(string(tr)+"/"+security, func(t *testing.T) { f(t, tr, security) })
		}
	}
}

// newStack opens a stack at a fresh address.
func newStack(t testing.TB, tr Transport, tap Tap) *Stack {
	t.Helper()
	s, err := NewStack(StackConfig{Local: address(), Transport: tr, Tap: tap})
	if errors.Is(err, ErrNotPermitted) && os.Geteuid() != 0 {
		t.Skipf("SCTP on IP is tested as root only: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newBed listens on the port of ASAP, or that of ASAP under TLS. The options may
// change the configuration of both sides.
func newBed(t testing.TB, tr Transport, security string, options ...func(*Dialer, *ListenConfig)) *bed {
	t.Helper()
	b := &bed{dialer: Dialer{Transport: tr, PPID: 11, Local: address()}}
	c := ListenConfig{Transport: tr, PPID: 11}
	port := uint16(3863)
	if security != "clear" {
		port = 3864
		b.dialer.TLS, c.TLS = tlsPair(t, security)
	}
	for _, o := range options {
		o(&b.dialer, &c)
	}
	if tr.IsSCTP() {
		b.stack = newStack(t, tr, nil)
		c.Stack, c.Addr = b.stack, netip.AddrPortFrom(b.stack.Local().Addr(), port)
	} else {
		c.Addr = netip.AddrPortFrom(address(), port)
	}
	var err error
	if b.listener, err = Listen(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.listener.Close() })
	return b
}

// dial returns both ends of a new association.
func (b *bed) dial(t testing.TB) (client, server Association) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := b.dialer.Dial(ctx, b.listener.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = b.listener.Accept(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Abort("end of test")
		server.Abort("end of test")
	})
	return client, server
}

// message returns a well-formed message of n octets, filled with a pattern.
func message(n int, fill byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = fill
	}
	b[0], b[1] = 1, 0
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	return b
}

// send sends a message of n octets.
func send(t testing.TB, a Association, n int, fill byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Send(ctx, Message{Payload: message(n, fill)}); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// want receives a message of n octets.
func want(t testing.TB, a Association, n int, fill byte) Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := a.Receive(ctx)
	if err != nil || string(m.Payload) != string(message(n, fill)) {
		t.Fatalf("got %d octets %.8x, %v; want %d of %#x", len(m.Payload), m.Payload, err, n, fill)
	}
	return m
}

// end waits for the end of an association and returns what Receive says then.
func end(t testing.TB, a Association) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := a.Receive(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatalf("not ended after %v", patience)
			}
			return err
		}
	}
}

// closeNow closes and fails the test when that is not graceful.
func closeNow(t testing.TB, a Association) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Error(err)
	}
}

const (
	pskIdentity = "pe-1"
	pskKey      = "0123456789abcdef0123456789abcdef"
)

// tlsPair returns configurations of a client and a server.
func tlsPair(t testing.TB, security string) (client, server *tlspsk.Config) {
	t.Helper()
	if security == "psk" {
		lookup := func(id string) []byte {
			if id == pskIdentity {
				return []byte(pskKey)
			}
			return nil
		}
		return &tlspsk.Config{PSKIdentity: pskIdentity, PSKKey: []byte(pskKey)}, &tlspsk.Config{Lookup: lookup}
	}
	cert, roots := selfSigned(t)
	return &tlspsk.Config{Certificates: &tls.Config{RootCAs: roots, ServerName: "registrar"}},
		&tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{cert}}}
}

// selfSigned returns a certificate for "registrar" and the pool that trusts it.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registrar"}, DNSNames: []string{"registrar"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// rawConn dials the listener of a bed over plain TCP.
func (b *bed) rawConn(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", b.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// within returns a context with the test's patience.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, fmt.Errorf("%s took too long", t.Name()))
	t.Cleanup(cancel)
	return ctx
}

// netipPort returns a port at the stack of a bed.
func netipPort(b *bed, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(b.stack.Local().Addr(), port)
}
