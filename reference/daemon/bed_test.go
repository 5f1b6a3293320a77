// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/daemon"
)

// patience is how long a test waits for what takes a fraction of a second.
const patience = 10 * time.Second

// childEnv names the configuration file of a pool element that the test binary is to run
// instead of the tests: only another process can be killed.
const childEnv = "RSPTHREAT_TEST_ELEMENT"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		e, err := daemon.LoadElement(path)
		if err == nil {
			err = e.Run(context.Background(), daemon.Process{Stderr: os.Stderr})
		}
		os.Stderr.WriteString("the element ended: " + err.Error() + "\n")
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// bed is a directory with the files of all daemons, on a loopback network of its own.
type bed struct {
	t   *testing.T
	dir string
	net string // "127.81.1."
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
}

func newBed(t *testing.T, network string) *bed {
	t.Helper()
	b := &bed{t: t, dir: t.TempDir(), net: network}
	var err error
	if b.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	b.ca = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, b.ca, b.ca, &b.key.PublicKey, b.key)
	if err != nil {
		t.Fatal(err)
	}
	b.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	b.certificate(2)
	b.write("keys.psk", psk("pe-a", "31")+psk("pe-b", "32")+psk("registrar-2", "33"))
	b.write("registrar.yaml", registrarYAML)
	b.write("pu.yaml", userYAML)
	return b
}

func psk(identity, octet string) string { return identity + ":" + strings.Repeat(octet, 32) + "\n" }

// certificate writes cert.pem and key.pem, for the registrar and all addresses.
func (b *bed) certificate(serial int64) {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"registrar.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range []string{"1", "10", "11"} {
		template.IPAddresses = append(template.IPAddresses, net.ParseIP(b.net+host))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, b.ca, &key.PublicKey, b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	b.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

// write writes a file, with NET for the loopback network.
func (b *bed) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(strings.ReplaceAll(text, "NET.", b.net)), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// replace changes a file.
func (b *bed) replace(name, old, changed string) {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	after := strings.ReplaceAll(string(text), old, changed)
	if after == string(text) {
		b.t.Fatalf("%s has no %q", name, old)
	}
	b.write(name, after)
}

// runner is what Load functions return.
type runner interface {
	Run(ctx context.Context, p daemon.Process) error
}

// running is a daemon that was started.
type running struct {
	t      *testing.T
	cancel context.CancelFunc
	reload chan os.Signal
	out    *output
	log    *output
	ended  chan struct{}
	err    error
}

// start runs d in this process until stop, or the end of the test.
func start[R runner](b *bed, name string, load func(string) (R, error), input io.Reader) *running {
	b.t.Helper()
	d, err := load(b.path(name))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: b.t, cancel: cancel, reload: make(chan os.Signal), out: newOutput(), log: newOutput(), ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = d.Run(ctx, daemon.Process{Stdin: input, Stdout: r.out, Stderr: r.log, Reload: r.reload})
	}()
	b.t.Cleanup(func() {
		_ = r.stop() // whoever minds has looked before
		if b.t.Failed() {
			b.t.Logf("%s:\n%s", name, r.log)
		}
	})
	return r
}

// wait returns what the daemon ended with.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatal("the daemon does not end")
	}
	return r.err
}

// stop ends the daemon as SIGTERM does.
func (r *running) stop() error {
	r.t.Helper()
	r.cancel()
	return r.wait()
}

// hangup is SIGHUP.
func (r *running) hangup() {
	r.t.Helper()
	select {
	case r.reload <- os.Interrupt: // the value does not matter
	case <-r.ended:
		r.t.Fatalf("the daemon has ended: %v", r.err)
	}
}

// output is what a daemon wrote.
type output struct {
	mu    sync.Mutex
	b     bytes.Buffer
	read  int // how far expect has come
	wrote chan struct{}
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(p)
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// next returns the first line, after those that were returned before, that has all words.
func (o *output) next(words []string) (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		rest := o.b.Bytes()[o.read:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return "", false
		}
		o.read += end + 1
		line, has := string(rest[:end]), true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			return line, true
		}
	}
}

// expect waits for a line with all words and returns it.
func (o *output) expect(t *testing.T, words ...string) string {
	t.Helper()
	late := time.After(patience)
	for {
		if line, ok := o.next(words); ok {
			return line
		}
		select {
		case <-o.wrote:
		case <-late:
			t.Fatalf("no line with %q in\n%s", words, o)
		}
	}
}
