// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// patience is how long a test waits for what must happen; the machine is shared.
const patience = 20 * time.Second

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serials atomic.Int64

// newCertificate has a new key certified by issuer, or by itself if that is nil.
func newCertificate(t *testing.T, issuer *authority, template x509.Certificate) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(serials.Add(1))
	parent, signer := &template, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// day is the unit of validity in these tests: no clock is that wrong.
const day = 24 * time.Hour

func valid(from, to time.Duration) x509.Certificate {
	now := time.Now()
	return x509.Certificate{NotBefore: now.Add(from), NotAfter: now.Add(to)}
}

func newAuthority(t *testing.T, issuer *authority, name string, validity x509.Certificate) *authority {
	t.Helper()
	validity.Subject, validity.IsCA, validity.BasicConstraintsValid = pkix.Name{CommonName: name}, true, true
	validity.KeyUsage = x509.KeyUsageCertSign
	return newCertificate(t, issuer, validity)
}

const registrarName = "registrar.example"

// registrarCertificate is a good one for registrarName and 127.63.2.1.
func registrarCertificate() x509.Certificate {
	c := valid(-2*day, 2*day)
	c.Subject = pkix.Name{CommonName: "registrar"}
	c.DNSNames = []string{registrarName}
	c.IPAddresses = []net.IP{net.IPv4(127, 63, 2, 1)}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return c
}

// show is what a registrar presents.
func show(leaf *authority, chain ...*authority) tls.Certificate {
	c := tls.Certificate{PrivateKey: leaf.key, Certificate: [][]byte{leaf.cert.Raw}}
	for _, i := range chain {
		c.Certificate = append(c.Certificate, i.cert.Raw)
	}
	return c
}

// speaker is a registrar at loopback that counts the requests it is sent.
type speaker struct {
	server   pooluser.Server
	messages atomic.Int64
	failed   chan error // handshakes
}

func speak(t *testing.T, transport association.Transport, config *tlspsk.Config) *speaker {
	t.Helper()
	at := netip.MustParseAddr("127.63.2.1")
	lc := association.ListenConfig{Transport: transport, Addr: netip.AddrPortFrom(at, 0), TLS: config, PPID: wire.PPIDASAP}
	s := &speaker{failed: make(chan error, 16), server: pooluser.Server{Transport: transport}}
	lc.OnHandshakeError = func(_ netip.AddrPort, err error) { s.failed <- err }
	if transport.IsSCTP() {
		stack, err := association.NewStack(association.StackConfig{Local: at, Transport: transport, Ephemeral: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stack.Close() })
		lc.Stack, s.server.UDPPort = stack, stack.Local().Port()
	}
	l, err := association.Listen(t.Context(), lc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.server.Addr = netip.AddrPortFrom(at, l.Addr().Port())
	go func() {
		for {
			a, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			go s.answer(a)
		}
	}()
	return s
}

func (s *speaker) answer(a association.Association) {
	for {
		m, err := a.Receive(context.Background())
		if err != nil {
			return
		}
		handle := handleOf(m.Payload)
		if handle == "" { // a ClientHello, for one that has no TLS
			_ = a.Abort("not a request")
			return
		}
		s.messages.Add(1)
		b, err := wire.Encode(positive(handle, listed(peA)))
		if err != nil {
			return
		}
		if a.Send(context.Background(), association.Message{Payload: b}) != nil {
			return
		}
	}
}

// attempt lets a pool user resolve at s alone. It returns how the first set-up of
// an association ended, and the outcome of the resolution.
func (s *speaker) attempt(t *testing.T, cred pooluser.Credentials, checks pooluser.CertificateChecks) (setUp error, resolved bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	outcome := make(chan error, 1)
	d := pooluser.NewDefences()
	d.Certificate = checks
	u, err := pooluser.New(ctx, pooluser.Config{
		Servers: []pooluser.Server{s.server}, Credentials: cred, Defences: &d,
		Timers: pooluser.Timers{Hunt: time.Hour}, // a failed set-up is not repeated
		Dial: func(ctx context.Context, target pooluser.Target) (association.Association, error) {
			a, err := pooluser.DialAssociation(ctx, target)
			if err != nil {
				cancel()
			}
			outcome <- err
			return a, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = u.Resolve(ctx, pool)
	if err := u.Close(context.Background()); err != nil {
		t.Error(err)
	}
	return <-outcome, err == nil
}
