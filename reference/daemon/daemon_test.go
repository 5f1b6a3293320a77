// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/daemon"
)

const registrarYAML = `version: 1
server_id: 0x11
doors:
  - {protocol: asap, transport: sctp-udp, tls: true, address: "NET.1:3864"}
  - {protocol: asap, transport: tcp, tls: true, address: "NET.1:3864"}
psk_file: keys.psk
identities:
  - {identity: pe-a, role: pe, pools: [Echo]}
  - {identity: pe-b, role: pe, pools: [Echo]}
certificate_file: cert.pem
key_file: key.pem
timers: {keep_alive: 200ms, keep_alive_timeout: 500ms, keep_alive_spacing: 50ms}
log: {format: json}
metrics: {address: "NET.1:9464"}
`

const elementYAML = `version: 1
registrars:
  - {transport: sctp-udp, address: "NET.1:3864", server_id: 0x11}
psk_file: keys.psk
identity: pe-NAME
certificate_file: cert.pem
key_file: key.pem
pools:
  - handle: Echo
    id: 0xHOST
    policy: {name: priority, priority: PRIORITY}
    service: {transport: TRANSPORT, tls: true, address: "NET.HOST:7000"}
timers: {server_hunt: 200ms}
metrics: {address: "NET.HOST:9464"}
`

const userYAML = `version: 1
pool: Echo
registrars:
  - {transport: tcp, address: "NET.1:3864", name: registrar.test}
ca_file: ca.pem
metrics: {address: "NET.20:9464"}
`

// element writes the configuration of a pool element.
func (b *bed) element(name, host, priority, transport string) string {
	b.t.Helper()
	file := "pe-" + name + ".yaml"
	b.write(file, strings.NewReplacer("NAME", name, "HOST", host, "PRIORITY", priority, "TRANSPORT", transport).Replace(elementYAML))
	return file
}

// child runs a pool element in a process of its own, and returns what kills it.
func (b *bed) child(file string) (log *output, kill func()) {
	b.t.Helper()
	executable, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	log = newOutput()
	c := exec.Command(executable)
	c.Env = append(os.Environ(), childEnv+"="+b.path(file))
	c.Stderr = log
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	b.t.Cleanup(kill)
	return log, kill
}

// scrape returns the value of a metric as it stands in the page, "" when it is not there.
func (b *bed) scrape(host, metric string) string {
	b.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := client.Get("http://" + b.net + host + ":9464/metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), metric+" "); ok {
			return value
		}
	}
	return ""
}

func (b *bed) expectMetric(host, metric, want string) {
	b.t.Helper()
	if got := b.scrape(host, metric); got != want {
		b.t.Errorf("%s at %s is %q, want %q", metric, host, got, want)
	}
}

// The whole life of a pool: two elements register, a user talks to the preferred one, that
// one is killed, the user is told and goes on with the other one, and then the registrar
// withdraws the key of that one too.
func TestDaemonsTogetherOverTLS(t *testing.T) {
	for _, tc := range []struct{ transport, net string }{{"tcp", "127.81.1."}, {"sctp-udp", "127.81.2."}} {
		t.Run(tc.transport, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, tc.net)
			if tc.transport != "tcp" { // no kernel says that the element is gone
				b.write("pu.yaml", userYAML+"timers: {liveness: 1s}\n")
			}
			r := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
			r.log.expect(t, `"msg":"ready"`)
			a, kill := b.child(b.element("a", "10", "2", tc.transport))
			a.expect(t, "msg=registered")
			e := start(b, b.element("b", "11", "1", tc.transport), daemon.LoadElement, nil)
			e.log.expect(t, "msg=registered")
			input, say := io.Pipe()
			defer say.Close()
			u := start(b, "pu.yaml", daemon.LoadUser, input)
			ask := func(line string) {
				t.Helper()
				if _, err := io.WriteString(say, line+"\n"); err != nil {
					t.Fatal(err)
				}
				if got := u.out.expect(t, ""); got != line {
					t.Errorf("the pool user printed %q, want %q", got, line)
				}
			}
			ask("hello A")
			b.expectMetric("10", "rspthreat_echo_messages_total", "1")
			b.expectMetric("10", `rspthreat_element_registered{pool="Echo"}`, "1")
			b.expectMetric("1", "rspthreat_registrar_malformed_total", "0")

			kill()
			u.log.expect(t, `failover in "Echo" from 0x00000010 to 0x00000011 (tls, authenticated, encrypted): `)
			ask("hello B")
			b.expectMetric("11", "rspthreat_echo_octets_total", "7")
			b.expectMetric("20", "rspthreat_user_failovers_total", "1")

			b.replace("registrar.yaml", `  - {identity: pe-b, role: pe, pools: [Echo]}`, "")
			r.hangup()
			r.log.expect(t, `"msg":"association ended: its identity was withdrawn"`, `pe-b`)
			if line := r.log.expect(t, `"msg":"reloaded"`); !strings.Contains(line, `"withdrawn":["pe-b"]`) {
				t.Errorf("who was withdrawn is not in %s", line)
			}
			e.log.expect(t, "msg=home-lost")
			r.log.expect(t, `"msg":"removed"`, `"pe":"0x00000011"`)
			b.expectMetric("1", "rspthreat_registrar_withdrawn_total", "1")
			_ = e.stop() // it cannot deregister, which it says
			for _, line := range strings.Split(strings.TrimSpace(r.log.String()), "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("log line is not JSON: %s", line)
				}
			}
		})
	}
}

// A broken file changes nothing, and says where it is broken; a good one takes effect with
// the next association.
func TestReloadTakesKeysAndCertificateOrKeepsThem(t *testing.T) {
	t.Parallel()
	b := newBed(t, "127.81.3.")
	r := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	r.log.expect(t, `"msg":"ready"`)
	e := start(b, b.element("b", "11", "1", "tcp"), daemon.LoadElement, nil)
	e.log.expect(t, "msg=registered")
	if got := b.serial("1:3864"); got != 2 {
		t.Fatalf("the registrar shows certificate %d, want 2", got)
	}

	b.write("keys.psk", psk("pe-a", "31")+"pe-b:not hexadecimal\n")
	b.certificate(3)
	for _, d := range []*running{r, e} {
		d.hangup()
		line := d.log.expect(t, "reload failed")
		if !strings.Contains(line, "keys.psk:2: the key of") || !strings.Contains(line, "is not hexadecimal") {
			t.Errorf("no place in %s", line)
		}
	}
	b.expectMetric("1", `rspthreat_reloads_total{result="failed"}`, "1")
	if got := b.serial("1:3864"); got != 2 {
		t.Errorf("after a failed reload the registrar shows certificate %d, want 2", got)
	}

	b.write("keys.psk", psk("pe-a", "77")+psk("pe-b", "66"))
	r.hangup()
	r.log.expect(t, "reloaded", `"withdrawn":[]`, `"ended":1`)
	e.log.expect(t, "msg=home-lost") // its key is another one now
	e.hangup()
	e.log.expect(t, "reloaded")
	e.log.expect(t, "msg=registered")
	b.expectMetric("11", `rspthreat_reloads_total{result="done"}`, "1")
	for _, door := range []string{"1:3864", "11:7000"} {
		if got := b.serial(door); got != 3 {
			t.Errorf("after a reload %s shows certificate %d, want 3", door, got)
		}
	}
	newcomer := start(b, b.element("a", "10", "2", "tcp"), daemon.LoadElement, nil)
	newcomer.log.expect(t, "msg=registered")
	if err := newcomer.stop(); err != nil {
		t.Error(err)
	}

	if err := r.stop(); err != nil {
		t.Error(err)
	}
	e.log.expect(t, "msg=home-lost")
	again := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	again.log.expect(t, `"msg":"registered"`, `"owner":"pe-b"`)
	if err := e.stop(); err != nil {
		t.Error(err)
	}
	if line := again.log.expect(t, `"msg":"removed"`); !strings.Contains(line, "deregist") {
		t.Errorf("an element that ended was removed for another reason: %s", line)
	}
}

// serial is the serial number of the certificate that a TLS server shows.
func (b *bed) serial(hostport string) int64 {
	b.t.Helper()
	c, err := tls.Dial("tcp", b.net+hostport, &tls.Config{InsecureSkipVerify: true}) // only looked at
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// `echo ... | rspthreat pu`: everything is sent and answered before it ends.
func TestPoolUserEndsWithItsInputAfterTheAnswers(t *testing.T) {
	t.Parallel()
	b := newBed(t, "127.81.4.")
	r := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	r.log.expect(t, `"msg":"ready"`)
	e := start(b, b.element("b", "11", "1", "tcp"), daemon.LoadElement, nil)
	e.log.expect(t, "msg=registered")
	u := start(b, "pu.yaml", daemon.LoadUser, strings.NewReader("one\n\ntwo\nthree"))
	if err := u.wait(); err != nil {
		t.Error(err)
	}
	if got, want := u.out.String(), "one\ntwo\nthree\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
