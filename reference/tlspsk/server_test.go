// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// both returns a server configuration for keys and certificates.
func both(t testing.TB, a *authority, change ...func(*Config)) *Config {
	return changed(&Config{
		Lookup:       lookup,
		Certificates: &tls.Config{Certificates: []tls.Certificate{a.issue(t, pkix.Name{CommonName: "registrar"})}},
	}, change)
}

// certClient trusts a.
func certClient(a *authority, change ...func(*Config)) *Config {
	return changed(&Config{Certificates: &tls.Config{RootCAs: a.pool, ServerName: "node1.example"}}, change)
}

func TestServerChoosesTheEngineByTheHello(t *testing.T) {
	a := newAuthority(t)
	registrar := Identity{Certificate, "CN=registrar"}
	node := Identity{PSK, nodeName}
	for _, tc := range []struct {
		name       string
		client     *Config
		seesServer Identity
		seesClient Identity
	}{
		{"1.2 PSK", pskClient(only(TLS12)), node, node},
		{"1.3 PSK", pskClient(only(TLS13)), node, node},
		{"1.2 certificate", certClient(a, only(TLS12)), registrar, Identity{}},
		{"1.3 certificate", certClient(a, only(TLS13)), registrar, Identity{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, server := connect(t, tc.client, both(t, a))
			if got := client.State().PeerIdentity; got != tc.seesServer {
				t.Errorf("client sees %v, want %v", got, tc.seesServer)
			}
			if got := server.State().PeerIdentity; got != tc.seesClient {
				t.Errorf("server sees %v, want %v", got, tc.seesClient)
			}
			duplex(t, client, server, 50_000)
		})
	}
}

// A client of both versions whose key is for TLS 1.2 sends no pre_shared_key
// extension; TLS 1.3 would then ask for the certificate that is not there.
func TestPSKSuitesWithoutTLS13OfferNegotiateTLS12(t *testing.T) {
	a, b := tcpPair(t)
	server, err := Server(b, pskServer())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	suites, versions := []byte{0x13, 1, 0, 0x8c}, []byte{0, 43, 0, 5, 4, 3, 4, 3, 3}
	go a.Write(helloRecord(helloBody(suites, versions)))
	go server.HandshakeContext(t.Context())
	a.SetDeadline(time.Now().Add(patience))
	reply := make([]byte, recordHeader+handshakeHeader+2+32+1+2)
	if _, err := io.ReadFull(a, reply); err != nil {
		t.Fatal(err)
	}
	if got := reply[len(reply)-2:]; reply[0] != recordHandshake || !bytes.Equal(got, []byte{0, 0x8c}) {
		t.Errorf("server answered % x", reply)
	}
}

func TestHelloForNoEngineIsRefused(t *testing.T) {
	a := newAuthority(t)
	for _, tc := range []struct {
		name           string
		client, server *Config
	}{
		{"certificate client, PSK server", certClient(a), pskServer()},
		{"1.2 certificate client, PSK server", certClient(a, only(TLS12)), pskServer()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ce, se := refused(t, tc.client, tc.server)
			wantAlerts(t, ce, "", "handshake_failure")
			wantAlerts(t, se, "handshake_failure", "")
			if !errors.Is(se, ErrNoEngine) {
				t.Errorf("got %v, want ErrNoEngine", se)
			}
		})
	}
}

func TestHandshakeTimeoutEndsASilentPeer(t *testing.T) {
	const short = 50 * time.Millisecond
	_, b := tcpPair(t)
	server, err := Server(b, pskServer(func(c *Config) { c.HandshakeTimeout = short }))
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Read(make([]byte, 1))
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a timeout", err)
	}
	if _, err := b.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the transport must be closed: %v", err)
	}
}

func TestCloseDuringHandshakeEndsIt(t *testing.T) {
	_, b := net.Pipe()
	server, err := Server(b, pskServer())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- server.HandshakeContext(context.Background()) }()
	server.Close()
	if err := <-ended; err == nil {
		t.Error("handshake succeeded")
	}
	if err := server.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := server.CloseNotify(); !errors.Is(err, ErrHandshakePending) {
		t.Errorf("CloseNotify: %v", err)
	}
}

func TestCancelEndsTheHandshake(t *testing.T) {
	a := newAuthority(t)
	for name, c := range map[string]*Config{"psk": pskClient(), "certificate": certClient(a)} {
		t.Run(name, func(t *testing.T) {
			raw, peer := net.Pipe()
			defer peer.Close()
			client, err := Client(raw, c)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- client.HandshakeContext(ctx) }()
			peer.Read(make([]byte, 1)) // it has begun
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
	}
}
