// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

const secured = `version: 1
server_id: 0x0a0b0c0d
security: secured
doors:
  - {protocol: asap, transport: tcp, tls: true, address: "127.71.1.1:3864"}
psk_file: keys.psk
identities:
  - {identity: pe-alice, role: pe, pools: [EchoPool]}
timers: {keep_alive: 5s}
`

const keys = "pe-alice:000102030405060708090a0b0c0d0e0f\n"

// load writes a configuration with its keys, and reads it.
func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"registrar.yaml": text, "keys.psk": keys} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "registrar.yaml"))
}

// TestWrongConfigurationsAreRefusedWithThePlace: a user has to find the line, and a
// registrar that is not what the file says must not run.
func TestWrongConfigurationsAreRefusedWithThePlace(t *testing.T) {
	for _, row := range []struct{ name, from, to, want string }{
		{"no version", "version: 1\n", "", "version: is 0"},
		{"another version", "version: 1", "version: 2", "version: is 2"},
		{"an unknown key", "server_id:", "sever_id:", "[2:1]"},
		{"a value of the wrong kind", "0x0a0b0c0d", "many", "[2:"},
		{"an unknown security", "security: secured", "security: some", `security: is "some"`},
		{"an unknown protocol", "protocol: asap", "protocol: http", "doors[0].protocol"},
		{"an unknown transport", "transport: tcp", "transport: quic", "doors[0].transport"},
		{"TLS over UDP", "transport: tcp", "transport: udp", "doors[0]"},
		{"a name for an address", "127.71.1.1:3864", "registrar.example:3864", "doors[0].address"},
		{"no door", "doors:\n  - {protocol: asap, transport: tcp, tls: true, address: \"127.71.1.1:3864\"}\n", "", "no doors"},
		{"a TLS door in clear", "security: secured", "security: clear", "TLS"},
		{"no keys", "psk_file: keys.psk\n", "", "psk_file"},
		{"no such key file", "keys.psk", "other.psk", "other.psk"},
		{"an unknown role", "role: pe", "role: king", "identities[0]"},
		{"an identity without a key", "identity: pe-alice", "identity: pe-bob", `identities[0]: "pe-bob"`},
		{"a time without unit", "keep_alive: 5s", "keep_alive: 5", "timers.keep_alive"},
		{"no time at all", "keep_alive: 5s", "keep_alive_timeout: 0s", "timers.keep_alive_timeout"},
		{"a certificate that is not there", "psk_file:", "certificate_file: no.pem\nkey_file: no.key\npsk_file:", "certificate_file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := strings.Replace(secured, row.from, row.to, 1)
			if text == secured {
				t.Fatal("the row changes nothing")
			}
			c, err := load(t, text)
			if err == nil {
				ctx, cancel := context.WithCancel(t.Context())
				cancel() // one that is accepted ends at once
				err = Run(ctx, c, slog.New(slog.DiscardHandler))
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want one that names %q", err, row.want)
			}
			if strings.Contains(err.Error(), "0102030405") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("the error shows a key or has several lines: %q", err)
			}
		})
	}
}

func TestMissingFileIsAConfigurationError(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, ErrConfig) || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}

func TestTimersThatAreNotNamedKeepTheirDefault(t *testing.T) {
	c, err := load(t, strings.Replace(secured, "{keep_alive: 5s}", "{keep_alive: 7s, keep_alive_spacing: 250ms}", 1))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := c.registrar()
	if err != nil {
		t.Fatal(err)
	}
	want := registrar.DefaultTimers()
	want.KeepAlive, want.KeepAliveSpacing = 7*time.Second, 250*time.Millisecond
	if cfg.Timers != want {
		t.Errorf("timers %+v, want %+v", cfg.Timers, want)
	}
	if cfg.ServerID != 0x0a0b0c0d || cfg.Mode != registrar.Secured {
		t.Errorf("server %s, %s", cfg.ServerID, cfg.Mode)
	}
}

// TestRunServesAndEndsGracefully: who is connected when the daemon is told to end hears a
// regular end, not a reset.
func TestRunServesAndEndsGracefully(t *testing.T) {
	c, err := load(t, `version: 1
security: clear
doors:
  - {protocol: asap, transport: tcp, address: "127.71.1.2:3863"}
`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := &watch{want: "msg=ready", found: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c, slog.New(slog.NewTextHandler(ready, nil))) }()
	select {
	case <-ready.found:
	case err := <-ended:
		t.Fatal(err)
	}
	waiting, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	d := association.Dialer{Transport: association.TCP, PPID: wire.ASAP.PPID()}
	a, err := d.Dial(waiting, netip.MustParseAddrPort("127.71.1.2:3863"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := wire.Encode(&wire.HandleResolution{PoolHandle: []byte("EchoPool")})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Send(waiting, association.Message{Payload: request}); err != nil {
		t.Fatal(err)
	}
	m, err := a.Receive(waiting)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if r, ok := answer.(*wire.HandleResolutionResponse); err != nil || !ok || len(r.Causes) != 1 || r.Causes[0].Code != wire.CauseUnknownPoolHandle {
		t.Fatalf("answer %+v, %v", answer, err)
	}
	cancel()
	select {
	case <-a.Done():
	case <-waiting.Done():
		t.Fatal("the association is still open")
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if !errors.Is(a.Err(), io.EOF) {
		t.Errorf("the association was not ended gracefully: %v", a.Err())
	}
}

// watch closes found when want has been written.
type watch struct {
	mu    sync.Mutex
	b     bytes.Buffer
	want  string
	found chan struct{}
}

func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	had := strings.Contains(w.b.String(), w.want)
	w.b.Write(p)
	if !had && strings.Contains(w.b.String(), w.want) {
		close(w.found)
	}
	return len(p), nil
}
