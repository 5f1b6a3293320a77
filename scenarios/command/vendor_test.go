// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// vendor is a directory as somebody has it who runs a registrar and points rspthreat at it.
type vendor struct{ dir, host string }

func (v vendor) path(name string) string { return filepath.Join(v.dir, name) }

func (v vendor) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(v.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newVendor writes keys, a certificate, and both configuration files.
func newVendor(t *testing.T) vendor {
	t.Helper()
	host := unusedHost(t)
	v := vendor{t.TempDir(), host}
	var keys strings.Builder
	for n, identity := range []string{"pe-alice", "pe-bob", "pe-carol", "registrar-2"} {
		fmt.Fprintf(&keys, "%s:%s\n", identity, strings.Repeat(fmt.Sprintf("%02x", 0x31+n), 32))
	}
	v.write(t, "keys.psk", keys.String())
	v.certificate(t)
	v.write(t, "registrar.yaml", strings.ReplaceAll(`version: 1
server_id: 1
doors:
  - {protocol: asap, transport: sctp-udp, tls: true, address: "HOST:3864"}
  - {protocol: asap, transport: tcp, tls: true, address: "HOST:3864"}
  - {protocol: enrp, transport: sctp-udp, tls: true, address: "HOST:9902"}
  - {protocol: asap, transport: tcp, address: "HOST:3863"}
psk_file: keys.psk
identities:
  - {identity: pe-alice, role: pe, pools: [EchoPool]}
  - {identity: pe-bob, role: pe, pools: [EchoPool]}
  - {identity: pe-carol, role: pe, pools: [OtherPool]}
  - {identity: registrar-2, role: registrar}
certificate_file: cert.pem
key_file: key.pem
timers: {keep_alive_timeout: 500ms, keep_alive_spacing: 50ms}
`, "HOST", host))
	v.write(t, "sut.yaml", strings.ReplaceAll(`version: 1
name: the vendor's registrar
address: HOST
doors:
  - {protocol: asap, transport: sctp-udp, tls: true, port: 3864}
  - {protocol: asap, transport: tcp, tls: true, port: 3864}
  - {protocol: enrp, transport: sctp-udp, tls: true, port: 9902}
credentials:
  psk_file: keys.psk
  element: pe-alice
  other_element: pe-bob
  restricted_element: pe-carol
  peer: registrar-2
  ca_file: cert.pem
  server_name: registrar.test
timers: {response: 3s, removal: 3s}
`, "HOST", host))
	return v
}

// vendors counts the addresses that this package's tests have taken.
var vendors atomic.Uint32

// unusedHost returns a loopback address that the embedded reference does not draw, and where
// nobody has SCTP over UDP.
func unusedHost(t *testing.T) string {
	t.Helper()
	for {
		host := fmt.Sprintf("127.255.%d.1", 100+vendors.Add(1)%150)
		conn, err := net.ListenPacket("udp", fmt.Sprintf("%s:%d", host, association.EncapsulationPort))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		return host
	}
}

func (v vendor) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registrar.test"}, DNSNames: []string{"registrar.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	v.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// start runs `rspthreat registrar` until stop is called and the daemon has ended.
func (v vendor) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan int, 1)
	log := &watched{want: "msg=ready", found: ready}
	go func() {
		done <- command.Main(ctx, []string{"registrar", "--config", v.path("registrar.yaml")}, log, log)
	}()
	select {
	case <-ready:
	case code := <-done:
		cancel()
		t.Fatalf("the registrar ended with %d: %s", code, log.b.String())
	}
	return func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("the registrar ended with %d: %s", code, log.b.String())
		}
		done <- 0
	}
}

// watched closes found when want has been written.
type watched struct {
	b     bytes.Buffer
	want  string
	found chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.b.Write(p)
	if w.found != nil && strings.Contains(w.b.String(), w.want) {
		close(w.found)
		w.found = nil
	}
	return len(p), nil
}

func TestVendorJudgesARegistrarThatRunsByItself(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	defer v.start(t)()
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "--sut", v.path("sut.yaml"), "--out", out)
	if code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	judged := 0
	for _, r := range results(t, out).Results {
		switch {
		case r.Verdict == reports.Pass:
			judged++
		case r.Verdict != reports.NotApplicable:
			t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
		}
	}
	if judged < 24 { // those of sections 2.1 to 2.4, 2.8, 2.11 and 2.15, but for T2.15-R2, which is about a system in clear
		t.Errorf("only %d requirements are judged\n%s", judged, stderr)
	}
	// No secret reaches a report.
	for _, name := range []string{reports.ResultsFile, reports.HTMLFile, reports.JUnitFile} {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(strings.Repeat("31", 32))) {
			t.Errorf("%s holds a key", name)
		}
	}
}

func TestSystemThatCannotBeReachedIsNotJudged(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out)
	if code != reports.ExitUnreachable || !strings.Contains(stderr, "cannot be reached") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	counts := reports.Counts(results(t, out).Results)
	if counts[reports.Pass]+counts[reports.Fail]+counts[reports.Warn] != 0 || counts[reports.Inconclusive] == 0 {
		t.Errorf("verdicts %v, want all inconclusive", counts)
	}
}

func TestSystemThatDiesHalfWayLeavesNoVerdictBehindThatIsNotSound(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	stop := v.start(t)
	defer stop()
	progress := &output{first: stop, with: "pass"} // it dies after the first check that judges it
	var stdout output
	out := v.path("report")
	code := command.Main(t.Context(), []string{"run", "--sut", v.path("sut.yaml"), "--out", out}, &stdout, progress)
	if code != reports.ExitUnreachable {
		t.Errorf("exit code %d\n%s", code, progress)
	}
	counts := reports.Counts(results(t, out).Results)
	if counts[reports.Pass] == 0 || counts[reports.Fail]+counts[reports.Warn] != 0 || counts[reports.Inconclusive] == 0 {
		t.Errorf("verdicts %v, want the first check's to stand and the rest inconclusive\n%s", counts, progress)
	}
}

func TestWrongKeyIsNotHeldAgainstTheSystem(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	defer v.start(t)()
	b, err := os.ReadFile(v.path("keys.psk"))
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "keys.psk", strings.ReplaceAll(string(b), "pe-alice:31", "pe-alice:ff"))
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out)
	// What is judged without that key may pass.
	keyless := map[string]bool{"T2.5-R3@registrar": true, "T2.7-R2@registrar": true, "T2.7-R3@registrar": true}
	for _, r := range results(t, out).Results {
		if r.Verdict == reports.Fail || r.Verdict == reports.Warn || r.Verdict == reports.Pass && !keyless[r.ID] {
			t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
		}
	}
	if code != reports.ExitUnreachable {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// What a registrar has no door for is not tried there, and no error of the harness.
func TestRegistrarWithoutENRPIsJudgedByItsKeepAlives(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	defer v.start(t)()
	b, err := os.ReadFile(v.path("sut.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "sut.yaml", strings.Replace(string(b), "  - {protocol: enrp, transport: sctp-udp, tls: true, port: 9902}\n", "", 1))
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "--sut", v.path("sut.yaml"), "--out", out, "--requirement", "T2.14-R1")
	if code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if command := results(t, out).Command; !strings.HasSuffix(command, " --requirement T2.14-R1") {
		t.Errorf("it is repeated by %q", command)
	}
}
