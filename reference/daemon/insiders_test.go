// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/daemon"
	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// signingKey writes NAME.pem and NAME.pub.
func (b *bed) signingKey(name string) {
	b.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		b.t.Fatal(err)
	}
	b.write(name+".pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

// Both extensions of section 2.17 through all three daemons (reference/EXTENSIONS.md).
func TestInsiderExtensionsTogether(t *testing.T) {
	t.Parallel()
	b := newBed(t, "127.81.17.")
	for _, name := range []string{"policy", "tickets", "stranger"} {
		b.signingKey(name)
	}
	b.write("seed.hex", strings.Repeat("a5", 32)+"\n")
	chain := "start: " + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339) + ", period: 1m, length: 5000"
	b.replace("registrar.yaml", "psk_file:", "selection: {key_file: tickets.pem, seed_file: seed.hex, "+chain+"}\npsk_file:")
	r := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	line := r.log.expect(t, `"msg":"selection tickets"`)
	_, anchor, _ := strings.Cut(line, `"anchor":"`)
	anchor, _, _ = strings.Cut(anchor, `"`)
	r.log.expect(t, `"msg":"ready"`)

	path := b.element("a", "10", "1", "tcp")
	b.replace(path, "{name: priority, priority: 1}", "{name: weighted-random, weight: 3}")
	b.replace(path, "psk_file:", "policy_key_file: policy.pem\nselection: {anchor: "+anchor+", registrar_key_files: [tickets.pub], required: true, "+chain+"}\npsk_file:")
	e := start(b, path, daemon.LoadElement, nil)
	e.log.expect(t, "msg=registered")

	b.replace("pu.yaml", "pool: Echo\n", "pool: Echo\nprove_selection: true\nsigned_policies: {required: true, keys: [{id: 0x10, key_file: policy.pub}]}\n")
	u := start(b, "pu.yaml", daemon.LoadUser, strings.NewReader("signed and proven"))
	u.out.expect(t, "signed and proven")
	b.expectMetric("20", "rspthreat_user_proofs_total", "1")
	b.expectMetric("20", "rspthreat_user_policies_refused_total", "0")
	b.expectMetric("10", "rspthreat_element_selections_refused_total", "0")
	if err := u.wait(); err != nil {
		t.Error(err)
	}

	b.replace("pu.yaml", "prove_selection: true", "prove_selection: false")
	u = start(b, "pu.yaml", daemon.LoadUser, strings.NewReader("not proven"))
	if err := u.wait(); err != nil || u.out.String() != "" {
		t.Errorf("without a proof: %q, %v", u.out.String(), err)
	}
	e.log.expect(t, "msg=selection-refused")
	b.expectMetric("10", "rspthreat_element_selections_refused_total", "1")

	b.replace("pu.yaml", "policy.pub", "stranger.pub")
	u = start(b, "pu.yaml", daemon.LoadUser, strings.NewReader("not signed by that one"))
	if err := u.wait(); !errors.Is(err, pooluser.ErrPolicy) {
		t.Errorf("with a key that is not the element's: %v", err)
	}
	if got := u.log.String(); !strings.Contains(got, "forged") {
		t.Errorf("no evidence in %s", got)
	}
}

func TestInsiderExtensionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want string }{
		"no key":         {"selection: {seed_file: seed.hex, start: 2026-01-01T00:00:00Z, period: 1m, length: 5}", "selection.key_file: is missing"},
		"not a key":      {"selection: {key_file: seed.hex, seed_file: seed.hex, start: 2026-01-01T00:00:00Z, period: 1m, length: 5}", "no PRIVATE KEY in it"},
		"short seed":     {"selection: {key_file: tickets.pem, seed_file: short.hex, start: 2026-01-01T00:00:00Z, period: 1m, length: 5}", "1 octets, must be 32"},
		"no epochs":      {"selection: {key_file: tickets.pem, seed_file: seed.hex, start: 2026-01-01T00:00:00Z, period: 1m}", "0 epochs"},
		"no time at all": {"selection: {key_file: tickets.pem, seed_file: seed.hex, start: today, period: 1m, length: 5}", "selection.start"},
	} {
		b := newBed(t, "127.81.18.")
		b.signingKey("tickets")
		b.write("seed.hex", strings.Repeat("a5", 32))
		b.write("short.hex", "a5")
		b.replace("registrar.yaml", "psk_file:", c.line+"\npsk_file:")
		if _, err := daemon.LoadRegistrar(b.path("registrar.yaml")); !errors.Is(err, daemon.ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
