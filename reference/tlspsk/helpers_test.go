// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; the box is shared.
const patience = 20 * time.Second

const nodeName = "node1"

// testKey returns a fresh copy of the key of node1.
func testKey() []byte {
	return bytes.Clone([]byte("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" +
		"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0"))
}

const testKeyHex = "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"

func lookup(id string) []byte {
	if id == nodeName {
		return testKey()
	}
	return nil
}

func pskClient(change ...func(*Config)) *Config {
	return changed(&Config{PSKIdentity: nodeName, PSKKey: testKey()}, change)
}

func pskServer(change ...func(*Config)) *Config {
	return changed(&Config{Lookup: lookup}, change)
}

func changed(c *Config, change []func(*Config)) *Config {
	for _, f := range change {
		f(c)
	}
	return c
}

// only pins the version.
func only(v Version) func(*Config) {
	return func(c *Config) { c.MinVersion, c.MaxVersion = v, v }
}

func suites(s string) func(*Config) { return func(c *Config) { c.CipherSuites = s } }

// tcpPair returns two ends of a loopback connection.
func tcpPair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// wrap returns the two Conns over a pair of transports.
func wrap(t testing.TB, a, b net.Conn, cc, sc *Config) (client, server Conn) {
	t.Helper()
	client, err := Client(a, cc)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = Server(b, sc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// shake runs both handshakes and then a read on the client, where TLS 1.3 shows a refusal.
func shake(t testing.TB, client, server Conn) (clientErr, serverErr error) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		if serverErr = server.HandshakeContext(context.Background()); serverErr != nil {
			server.Close()
			return
		}
		_, serverErr = server.Write([]byte{'!'})
	})
	clientErr = client.HandshakeContext(context.Background())
	if clientErr == nil {
		_, clientErr = io.ReadFull(client, make([]byte, 1))
	} else {
		client.Close()
	}
	wg.Wait()
	return clientErr, serverErr
}

// connect returns an established pair.
func connect(t testing.TB, cc, sc *Config) (client, server Conn) {
	t.Helper()
	a, b := tcpPair(t)
	client, server = wrap(t, a, b, cc, sc)
	if ce, se := shake(t, client, server); ce != nil || se != nil {
		t.Fatalf("handshake: client %v, server %v", ce, se)
	}
	return client, server
}

// refused returns the errors of a handshake that must fail on both sides.
func refused(t testing.TB, cc, sc *Config) (clientErr, serverErr error) {
	t.Helper()
	a, b := tcpPair(t)
	client, server := wrap(t, a, b, cc, sc)
	clientErr, serverErr = shake(t, client, server)
	if clientErr == nil || serverErr == nil {
		t.Fatalf("handshake must fail: client %v, server %v", clientErr, serverErr)
	}
	return clientErr, serverErr
}

// wantAlerts checks what an error says about alerts.
func wantAlerts(t testing.TB, err error, sent, received string) {
	t.Helper()
	var a *AlertError
	if !errors.As(err, &a) {
		t.Fatalf("want an AlertError, got %T: %v", err, err)
	}
	if a.Sent != sent || a.Received != received {
		t.Errorf("alerts sent %q received %q, want %q and %q: %v", a.Sent, a.Received, sent, received, err)
	}
}

// authority issues certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue returns a certificate for node1.example and 127.0.0.1 with an RSA key,
// which TLS_RSA_WITH_AES_128_CBC_SHA needs.
func (a *authority) issue(t testing.TB, name pkix.Name) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: name,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"node1.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// files writes certificate, key and authority as PEM for other tools.
func (a *authority) files(t testing.TB, c tls.Certificate) (cert, key, ca string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	return write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})),
		write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		write("ca.pem", a.pem)
}

// duplex sends total octets each way at once, in pieces of many sizes, and compares.
func duplex(t testing.TB, a, b net.Conn, total int) {
	t.Helper()
	data := make([]byte, total)
	rand.Read(data)
	writes := []int{1, 100, 100, 1000, 16384, 16385, 40000, 3}
	reads := []int{1, 7, 100, 4096, 65536}
	var wg sync.WaitGroup
	oneWay := func(w, r net.Conn) {
		wg.Go(func() {
			for off, i := 0, 0; off < total; i++ {
				n, err := w.Write(data[off:min(total, off+writes[i%len(writes)])])
				if err != nil {
					t.Error("write:", err)
					return
				}
				off += n
			}
		})
		wg.Go(func() {
			got := make([]byte, total)
			for off, i := 0, 0; off < total; i++ {
				n, err := r.Read(got[off:min(total, off+reads[i%len(reads)])])
				if err != nil {
					t.Error("read:", err)
					return
				}
				off += n
			}
			if !bytes.Equal(got, data) {
				t.Error("data differs")
			}
		})
	}
	oneWay(a, b)
	oneWay(b, a)
	wg.Wait()
}
