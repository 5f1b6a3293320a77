//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// message is a well-formed message that ends with a text.
func message(text string) []byte {
	b := append([]byte{1, 0, 0, 0}, pad(text)...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// pair is one of ours in user space and a peer in the guest, in the kernel.
type pair struct {
	ours  association.Association
	peer  *guest.Process
	guest netip.Addr
}

// ports of the listeners, one for each association, so that none waits for another.
var port = uint16(3862)

// connect sets up an association with the guest.
func connect(ctx context.Context, t *testing.T, g *guest.Guest, stack *association.Stack, how, security, certificate string) *pair {
	t.Helper()
	client, server, err := credentials(security, certificate)
	if err != nil {
		t.Fatal(err)
	}
	port++
	p := &pair{guest: g.Addrs()[0]}
	if how == "guest dials" {
		l, err := association.Listen(ctx, association.ListenConfig{
			Transport: association.SCTP, Stack: stack, Addr: netip.AddrPortFrom(g.Host(), port), PPID: 11, TLS: server,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		p.spawn(ctx, t, g, "dial", l.Addr(), security, certificate)
		if p.ours, err = l.Accept(ctx); err != nil {
			t.Fatalf("%v: %s", err, p.output(t))
		}
	} else {
		at := netip.AddrPortFrom(p.guest, port)
		p.spawn(ctx, t, g, "listen", at, security, certificate)
		d := association.Dialer{Transport: association.SCTP, Stack: stack, PPID: 11, TLS: client}
		p.ours = dialWhenReady(ctx, t, &d, at)
	}
	t.Cleanup(func() { p.ours.Abort("end of test") })
	return p
}

// dialWhenReady dials until the peer listens: until then its kernel refuses.
func dialWhenReady(ctx context.Context, t *testing.T, d *association.Dialer, at netip.AddrPort) association.Association {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := d.Dial(ctx, at)
		if err == nil {
			return a
		}
		if !errors.Is(err, association.ErrAborted) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

func (p *pair) spawn(ctx context.Context, t *testing.T, g *guest.Guest, how string, at netip.AddrPort, security, certificate string) {
	t.Helper()
	var err error
	if p.peer, err = g.Spawn(ctx, tool("interop"), roleArg, how, at.String(), security, certificate); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.peer.Kill() })
}

// output waits for the end of the peer and returns what it said.
func (p *pair) output(t *testing.T) string {
	t.Helper()
	<-p.peer.Done()
	out, err := p.peer.Stdout()
	if err := errors.Join(err, p.peer.Err()); err != nil {
		t.Fatal(err)
	}
	return out
}

// send sends a message and echo expects it back.
func (p *pair) send(ctx context.Context, t *testing.T, m association.Message) {
	t.Helper()
	if err := p.ours.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) echo(ctx context.Context, t *testing.T, m association.Message) {
	t.Helper()
	got, err := p.ours.Receive(ctx)
	if err != nil || string(got.Payload) != string(m.Payload) || got.PPID != m.PPID || got.Stream != m.Stream {
		t.Fatalf("got %d octets, PPID %#x, stream %d, %v; want %d octets, PPID %#x, stream %d",
			len(got.Payload), got.PPID, got.Stream, err, len(m.Payload), m.PPID, m.Stream)
	}
}

// exchange sends messages of every size, alone and in a burst.
func (p *pair) exchange(ctx context.Context, t *testing.T, clear bool) {
	t.Helper()
	for _, n := range []int{4, 1400, 16384, 60000, 65524} {
		m := association.Message{Payload: message(strings.Repeat("x", n)), PPID: 11}
		p.send(ctx, t, m)
		p.echo(ctx, t, m)
	}
	if clear {
		m := association.Message{Payload: message("other"), PPID: 0xfaeeb5d1, Stream: 2}
		p.send(ctx, t, m)
		p.echo(ctx, t, m)
	}
	const burst = 20
	for i := range burst {
		p.send(ctx, t, association.Message{Payload: message(fmt.Sprintf("%05000d", i)), PPID: 11})
	}
	for i := range burst {
		p.echo(ctx, t, association.Message{Payload: message(fmt.Sprintf("%05000d", i)), PPID: 11})
	}
}

// selfSigned writes a certificate and its key to a file that the guest can read.
func selfSigned(t *testing.T, g *guest.Guest) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: certName}, DNSNames: []string{certName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...)
	path := filepath.Join(g.Dir(), "certificate.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// endings are the four ways to end an association, with what each side then knows.
var endings = map[string]struct {
	ask   string                                               // the peer to end it
	end   func(context.Context, association.Association) error // else we do
	ours  error
	peers []string
}{
	"we close": {
		end:  func(ctx context.Context, a association.Association) error { return a.Close(ctx) },
		ours: association.ErrClosed, peers: []string{"ended: EOF"},
	},
	"we abort": {
		end:  func(_ context.Context, a association.Association) error { return a.Abort(abortReason) },
		ours: association.ErrClosed, peers: []string{"ended: aborted by the peer", abortReason},
	},
	"peer closes": {ask: askClose, ours: io.EOF, peers: []string{"ended: association closed"}},
	"peer aborts": {ask: askAbort, ours: association.ErrAborted, peers: []string{"ended: association closed: " + abortReason}},
}

func TestUserSpaceAndKernelUnderstandEachOther(t *testing.T) {
	ctx, g := boot(t)
	certificate := selfSigned(t, g)
	stack, err := association.NewStack(association.StackConfig{Transport: association.SCTP, Local: g.Host()})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	for _, how := range []string{"guest dials", "guest listens"} {
		for _, security := range []string{"clear", "psk", "certificate"} {
			for name, e := range endings {
				t.Run(how+"/"+security+"/"+name, func(t *testing.T) {
					p := connect(ctx, t, g, stack, how, security, certificate)
					if info := p.ours.Info(); len(info.PeerAddrs) != 1 || info.PeerAddrs[0] != p.guest {
						t.Errorf("peer addresses %v, want %v", info.PeerAddrs, p.guest)
					}
					p.exchange(ctx, t, security == "clear")
					if e.ask != "" {
						p.send(ctx, t, association.Message{Payload: message(e.ask)})
					} else if err := e.end(ctx, p.ours); err != nil {
						t.Errorf("end: %v", err)
					}
					if _, err := p.ours.Receive(ctx); !errors.Is(err, e.ours) {
						t.Errorf("ours ended: %v, want %v", err, e.ours)
					} else if e.ask == askAbort && !strings.Contains(err.Error(), abortReason) {
						t.Errorf("ours ended: %v, without the reason", err)
					}
					out := p.output(t)
					for _, want := range append(e.peers, fmt.Sprintf("[%v]", g.Host())) {
						if !strings.Contains(out, want) {
							t.Errorf("peer said %q, want %q", out, want)
						}
					}
				})
			}
		}
	}
}
