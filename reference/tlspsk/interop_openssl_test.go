// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bufio"
	"context"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func openssl(t testing.TB) string { return tool(t, "openssl", "openssl") }

// opensslServer starts s_server, which sends each line back reversed, and dials it.
func opensslServer(t testing.TB, args ...string) (*process, net.Conn) {
	t.Helper()
	p := start(t, openssl(t), append([]string{"s_server", "-accept", "127.0.0.1:0", "-rev", "-naccept", "1"}, args...)...)
	raw, err := net.Dial("tcp", p.await(t, "ACCEPT "))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	raw.SetDeadline(time.Now().Add(patience))
	return p, raw
}

// opensslClient starts s_client towards a server of c and returns our end.
func opensslClient(t testing.TB, c *Config, args ...string) (*process, Conn) {
	t.Helper()
	return dialedBy(t, c, func(addr string) *process {
		return start(t, openssl(t), append([]string{"s_client", "-connect", addr}, args...)...)
	})
}

// dialedBy returns our end of the connection that a program makes.
func dialedBy(t testing.TB, c *Config, dial func(addr string) *process) (*process, Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := dial(ln.Addr().String())
	ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	raw, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	raw.SetDeadline(time.Now().Add(patience))
	server, err := Server(raw, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return p, server
}

// askReversed sends a line to s_server and checks what comes back.
func askReversed(t testing.TB, c Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "olleh\n" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

// talk exchanges a line each way with a program on the other end.
func talk(t testing.TB, p *process, c Conn) {
	t.Helper()
	if err := c.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.say(t, "ping")
	if got, err := bufio.NewReader(c).ReadString('\n'); strings.TrimSpace(got) != "ping" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := io.WriteString(c, "answer from us\n"); err != nil {
		t.Fatal(err)
	}
	p.await(t, "answer from us")
}

// opensslPSK lists what must work with OpenSSL in both directions.
var opensslPSK = []struct {
	name, suite string
	version     Version
	flag        string
	iana        string
}{
	{"1.2 PSK CBC", "PSK-AES128-CBC-SHA", TLS12, "-tls1_2", "TLS_PSK_WITH_AES_128_CBC_SHA"},
	{"1.2 PSK GCM", "PSK-AES128-GCM-SHA256", TLS12, "-tls1_2", "TLS_PSK_WITH_AES_128_GCM_SHA256"},
	{"1.2 PSK SHA-384", "PSK-AES256-GCM-SHA384", TLS12, "-tls1_2", "TLS_PSK_WITH_AES_256_GCM_SHA384"},
	{"1.2 ECDHE-PSK", "ECDHE-PSK-AES128-CBC-SHA256", TLS12, "-tls1_2", "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256"},
	{"1.2 ECDHE-PSK ChaCha", "ECDHE-PSK-CHACHA20-POLY1305", TLS12, "-tls1_2", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"},
	{"1.2 DHE-PSK", "DHE-PSK-AES128-CBC-SHA", TLS12, "-tls1_2", "TLS_DHE_PSK_WITH_AES_128_CBC_SHA"},
	{"1.2 NULL", "PSK-NULL-SHA256:@SECLEVEL=0", TLS12, "-tls1_2", "TLS_PSK_WITH_NULL_SHA256"},
	{"1.1 PSK CBC", "PSK-AES128-CBC-SHA:@SECLEVEL=0", TLS11, "-tls1_1", "TLS_PSK_WITH_AES_128_CBC_SHA"},
	{"1.3", "", TLS13, "-tls1_3", "TLS_AES_128_GCM_SHA256"},
}

func TestPSKClientTalksToOpenSSLServer(t *testing.T) {
	for _, tc := range opensslPSK {
		t.Run(tc.name, func(t *testing.T) {
			args := []string{"-nocert", "-psk", testKeyHex, "-psk_identity", nodeName, tc.flag}
			if tc.suite != "" {
				args = append(args, "-cipher", tc.suite)
			}
			_, raw := opensslServer(t, args...)
			client, err := Client(raw, pskClient(only(tc.version), suites(tc.suite)))
			if err != nil {
				t.Fatal(err)
			}
			askReversed(t, client)
			if s := client.State(); s.CipherSuite != tc.iana || s.Version != tc.version.String() {
				t.Errorf("state %+v", s)
			}
			client.Close()
		})
	}
}

func TestOpenSSLClientTalksToPSKServer(t *testing.T) {
	for _, tc := range opensslPSK {
		t.Run(tc.name, func(t *testing.T) {
			args := []string{"-psk", testKeyHex, "-psk_identity", nodeName, tc.flag}
			if tc.suite != "" {
				args = append(args, "-cipher", tc.suite)
			} else {
				args = append(args, "-ciphersuites", "TLS_AES_128_GCM_SHA256")
			}
			p, server := opensslClient(t, pskServer(only(tc.version), suites(tc.suite)), args...)
			talk(t, p, server)
			want := State{Version: tc.version.String(), CipherSuite: tc.iana, PSK: true, PeerIdentity: Identity{PSK, nodeName}}
			if s := server.State(); s != want {
				t.Errorf("state %+v, want %+v", s, want)
			}
		})
	}
}

// A client that offers everything, as s_client does without flags, gets TLS 1.3.
func TestOpenSSLClientWithDefaultSuitesIsAuthenticatedByItsKey(t *testing.T) {
	p, server := opensslClient(t, both(t, newAuthority(t)), "-psk", testKeyHex, "-psk_identity", nodeName)
	talk(t, p, server)
	if s := server.State(); !s.PSK || s.Version != "TLS 1.3" {
		t.Errorf("state %+v", s)
	}
}

func TestDHEGroupStaysStrongAtLevelZero(t *testing.T) {
	const suite = "DHE-PSK-AES128-CBC-SHA:@SECLEVEL=0"
	p, server := opensslClient(t, pskServer(only(TLS12), suites(suite)),
		"-psk", testKeyHex, "-psk_identity", nodeName, "-tls1_2", "-cipher", suite)
	talk(t, p, server)
	if got := p.await(t, "Server Temp Key: "); got != "DH, 2048 bits" {
		t.Errorf("group %q", got)
	}
}

// s_client's "K" line asks for new keys in both directions. OpenSSL answers with its
// next record, so one Write is then two records.
func TestKeyUpdateIsAnswered(t *testing.T) {
	p, server := opensslClient(t, pskServer(only(TLS13)), "-psk", testKeyHex, "-psk_identity", nodeName,
		"-ciphersuites", "TLS_AES_128_GCM_SHA256", "-msg")
	talk(t, p, server)
	p.say(t, "K")
	p.await(t, ">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
	p.say(t, "after")
	if got, err := bufio.NewReader(server).ReadString('\n'); got != "after\n" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := io.WriteString(server, "with new keys\n"); err != nil {
		t.Fatal(err)
	}
	p.await(t, "<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
	p.await(t, "with new keys")
}

// s_server's "r" line asks for renegotiation: the answer is output that our reader causes.
func TestRenegotiationIsRefused(t *testing.T) {
	p := start(t, openssl(t), "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-nocert", "-tls1_2",
		"-psk", testKeyHex, "-psk_identity", nodeName, "-cipher", "PSK-AES128-CBC-SHA")
	raw, err := net.Dial("tcp", p.await(t, "ACCEPT "))
	if err != nil {
		t.Fatal(err)
	}
	raw.SetDeadline(time.Now().Add(patience))
	client, err := Client(raw, pskClient())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	talk(t, p, client)
	p.say(t, "r")
	if n, err := client.Read(make([]byte, 10)); err == nil {
		t.Errorf("read %d octets", n)
	}
	p.await(t, "no renegotiation")
}

// TLS 1.3 peers may offer tickets of other servers as identities.
func TestTooLongIdentityDoesNotReachLookup(t *testing.T) {
	sc := pskServer(func(c *Config) {
		c.Lookup = func(id string) []byte {
			t.Errorf("Lookup of %d octets", len(id))
			return testKey()
		}
	})
	_, server := opensslClient(t, sc, "-psk", testKeyHex, "-psk_identity", strings.Repeat("i", MaxIdentityLen+1), "-tls1_3")
	err := server.HandshakeContext(t.Context())
	wantAlerts(t, err, "handshake_failure", "")
	if !errors.Is(err, ErrIdentity) {
		t.Errorf("got %v, want ErrIdentity", err)
	}
}

func TestOpenSSLClientGetsNoSession(t *testing.T) {
	for _, flag := range []string{"-tls1_2", "-tls1_3"} {
		p, server := opensslClient(t, pskServer(), "-psk", testKeyHex, "-psk_identity", nodeName, flag)
		talk(t, p, server)
		server.Close()
		<-p.done
		if strings.Contains(p.text(), "session ticket:") || strings.Contains(p.text(), "Post-Handshake New Session Ticket") {
			t.Errorf("%s: the server gave a ticket:\n%s", flag, p.text())
		}
	}
}

// Who says what when the other side is OpenSSL.
func TestOpenSSLPeerIsToldWhy(t *testing.T) {
	badKey := strings.Repeat("5a", 32)
	for _, tc := range []struct {
		name string
		args []string
		sent string
		says string
	}{
		{"1.2 wrong key", []string{"-tls1_2", "-cipher", "PSK-AES128-CBC-SHA", "-psk", badKey, "-psk_identity", nodeName}, "bad_record_mac", "alert number 20"},
		{"1.2 unknown identity", []string{"-tls1_2", "-psk", testKeyHex, "-psk_identity", "nobody"}, "unknown_psk_identity", "alert number 115"},
		{"1.3 wrong key", []string{"-tls1_3", "-psk", badKey, "-psk_identity", nodeName}, "illegal_parameter", "alert number 47"},
		{"1.3 unknown identity", []string{"-tls1_3", "-psk", testKeyHex, "-psk_identity", "nobody"}, "handshake_failure", "alert number 40"},
		{"no key", nil, "handshake_failure", "alert number 40"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, server := opensslClient(t, pskServer(), tc.args...)
			wantAlerts(t, server.HandshakeContext(t.Context()), tc.sent, "")
			server.Close()
			p.await(t, tc.says)
		})
	}
	t.Run("certificate server, PSK client", func(t *testing.T) {
		a := newAuthority(t)
		cert, key, _ := a.files(t, a.issue(t, pkix.Name{CommonName: "x"}))
		p, raw := opensslServer(t, "-cert", cert, "-key", key, "-tls1_3")
		client, err := Client(raw, pskClient())
		if err != nil {
			t.Fatal(err)
		}
		err = client.HandshakeContext(t.Context())
		wantAlerts(t, err, "unknown_ca", "")
		if !errors.Is(err, ErrNotPSK) {
			t.Errorf("got %v, want ErrNotPSK", err)
		}
		client.Close()
		p.await(t, "alert number 48")
	})
}
