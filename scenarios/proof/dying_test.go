// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// firstRefusal calls then when the registrar logs that it refuses something or that a
// handshake failed: the attack has begun.
type firstRefusal struct {
	slog.Handler
	once *sync.Once
	then func()
}

func (h firstRefusal) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "refused" || r.Message == "handshake failed" {
		h.once.Do(h.then)
	}
	return nil
}

func (h firstRefusal) Enabled(context.Context, slog.Level) bool { return true }
func (h firstRefusal) WithAttrs([]slog.Attr) slog.Handler       { return h }

// mortal is the n-th registrar that ends with the first attack, as a system without commands.
// It is at an address that neither the others nor the embedded reference draw.
func mortal(t *testing.T, n int) *sut.External {
	t.Helper()
	host := netip.AddrFrom4([4]byte{127, 255, byte(1 + n), 1})
	dir, names := t.TempDir(), []string{"pe-alice", "pe-bob", "pe-carol", "registrar-2"}
	var psk strings.Builder
	identities := make([]registrar.Identity, 0, len(names))
	for n, name := range names {
		key := strings.Repeat(string(rune('a'+n)), 32)
		fmt.Fprintf(&psk, "%s:%x\n", name, key)
		grant := registrar.Grant{Role: registrar.RolePE, Pools: []string{"EchoPool"}}
		switch name {
		case "pe-carol":
			grant.Pools = []string{"OtherPool"}
		case "registrar-2":
			grant = registrar.Grant{Role: registrar.RoleRegistrar}
		}
		identities = append(identities, registrar.Identity{Name: name, Key: []byte(key), Grant: grant})
	}
	keys, err := registrar.NewKeys(identities...)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys.psk"), []byte(psk.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var dead sync.WaitGroup
	started := make(chan *registrar.Registrar, 1)
	die := func() {
		dead.Go(func() {
			r := <-started
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // at once: it does not say goodbye
			_ = r.Close(ctx)
		})
	}
	cfg := registrar.Config{ServerID: 1, Keys: keys, Logger: slog.New(firstRefusal{once: &sync.Once{}, then: die})}
	cfg.Doors = []registrar.Door{
		{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(host, 3864)},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Secured: true, Addr: netip.AddrPortFrom(host, 9902)},
		{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(host, 3863)},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(host, 9901)},
	}
	r, err := registrar.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	started <- r
	t.Cleanup(func() {
		dead.Wait()
		_ = r.Close(context.Background())
	})
	file := filepath.Join(dir, "sut.yaml")
	text := strings.ReplaceAll(`version: 1
name: a registrar that does not survive an attack
address: HOST
doors:
  - {protocol: asap, transport: tcp, tls: true, port: 3864}
  - {protocol: enrp, transport: sctp-udp, tls: true, port: 9902}
credentials: {psk_file: keys.psk, element: pe-alice, other_element: pe-bob, restricted_element: pe-carol, peer: registrar-2}
timers: {response: 500ms, removal: 500ms}
`, "HOST", host.String())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := sut.LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	target, err := sut.NewExternal(c)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// inapplicable are the checks that cannot be made on the mortal registrar, with the reason.
var inapplicable = map[string]string{
	"2.1-psk-authorises":        "attacks nothing",
	"2.14-idle":                 "attacks nothing",
	"2.7-registrar-certificate": "attacks nothing, and needs an authority",
	"2.12-forged-registrars":    "sends datagrams, of which this registrar takes none",
	"2.1-withdrawn-element":     "needs commands, which this registrar does not have",
	"2.5-withdrawn-registrar":   "needs commands, which this registrar does not have",
	"2.5-psk-authorises":        "attacks nothing",
	"2.5-rogue-called":          "calls nobody",
	"2.12-thwarted-discovery":   "calls nobody",
}

// TestSystemThatDiesUnderAnAttackIsNotJudged: neither does silence pass, nor is what could
// not be looked at any more held against the system.
func TestSystemThatDiesUnderAnAttackIsNotJudged(t *testing.T) {
	t.Parallel()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range scenarios.Checks() {
		if c.Role != engine.Registrar || c.Security == sut.Clear || inapplicable[c.ID] != "" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			e := &engine.Engine{Target: mortal(t, n), Ledger: l, Seed: uint64(time.Now().UnixNano())}
			out := e.RunCheck(t.Context(), &c, func(string) bool { return true })
			for _, r := range out.Results {
				if r.Verdict != reports.Inconclusive && r.Verdict != reports.HarnessError {
					t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
				}
			}
		})
	}
}
