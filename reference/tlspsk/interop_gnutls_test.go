// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bufio"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// gnutls is an independent implementation of both versions. ECDHE-PSK is tried with
// its server only: gnutls-cli 3.7.9 crashes with it, against OpenSSL as well.
var gnutls = []struct {
	name, priority string
	version        Version
	clientToo      bool
}{
	{"1.2 PSK", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA1", TLS12, true},
	{"1.2 ECDHE-PSK", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-PSK", TLS12, false},
	{"1.3 PSK", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:+ECDHE-PSK:-CIPHER-ALL:+AES-128-GCM", TLS13, true},
}

func TestPSKClientTalksToGnuTLSServer(t *testing.T) {
	passwords := filepath.Join(t.TempDir(), "psk.txt")
	if err := os.WriteFile(passwords, []byte(nodeName+":"+testKeyHex+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range gnutls {
		t.Run(tc.name, func(t *testing.T) {
			port := freePort(t)
			p := start(t, tool(t, "gnutls-serv", "gnutls-bin"), "--echo", "--port", strconv.Itoa(port),
				"--pskpasswd", passwords, "--priority", tc.priority)
			p.await(t, "listening on IPv4")
			var raw net.Conn
			eventually(t, "gnutls-serv does not listen", func() (up bool) { // it says so too early
				var err error
				raw, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				return err == nil
			})
			raw.SetDeadline(time.Now().Add(patience))
			client, err := Client(raw, pskClient())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := io.WriteString(client, "hello\n"); err != nil {
				t.Fatal(err)
			}
			if got, err := bufio.NewReader(client).ReadString('\n'); got != "hello\n" || err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
			if got := client.State().Version; got != tc.version.String() {
				t.Errorf("version %s", got)
			}
		})
	}
}

// freePort returns a port that was free a moment ago, for gnutls-serv, which cannot choose
// one. It is below those that Linux gives away by itself, which others may get meanwhile.
func freePort(t testing.TB) int {
	t.Helper()
	const lowest, ports, tries = 10_000, 22_000, 100
	for range tries {
		port := lowest + mathrand.IntN(ports)
		if ln, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func TestGnuTLSClientTalksToPSKServer(t *testing.T) {
	for _, tc := range gnutls {
		if !tc.clientToo {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			p, server := dialedBy(t, pskServer(), func(addr string) *process {
				host, port, _ := net.SplitHostPort(addr)
				return start(t, tool(t, "gnutls-cli", "gnutls-bin"), "--port", port, "--pskusername", nodeName,
					"--pskkey", testKeyHex, "--priority", tc.priority, host)
			})
			talk(t, p, server)
			if s := server.State(); s.PeerIdentity.Name != nodeName || s.Version != tc.version.String() {
				t.Errorf("state %+v", s)
			}
		})
	}
}
