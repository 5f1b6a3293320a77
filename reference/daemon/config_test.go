// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/daemon"
)

func discard[R any](load func(string) (R, error)) func(string) error {
	return func(path string) error {
		_, err := load(path)
		return err
	}
}

// Every complaint names the file, the line and the key.
func TestConfigurationErrorsNameThePlace(t *testing.T) {
	registrar, element, user := discard(daemon.LoadRegistrar), discard(daemon.LoadElement), discard(daemon.LoadUser)
	for _, tc := range []struct {
		name         string
		load         func(string) error
		file         string
		old, changed string
		want         string // after the directory
	}{
		{"unknown key", registrar, "registrar.yaml", "server_id:", "server-id:", `registrar.yaml:2: unknown field "server-id"`},
		{"unknown key in a list", registrar, "registrar.yaml", "transport: tcp", "port: 1, transport: tcp", `registrar.yaml:5: unknown field "port"`},
		{"repeated key", registrar, "registrar.yaml", "server_id: 0x11", "version: 1", `registrar.yaml:2: mapping key "version" already defined at [1:1]`},
		{"not YAML", registrar, "registrar.yaml", "doors:", "doors: [", `registrar.yaml:`},
		{"version", registrar, "registrar.yaml", "version: 1", "version: 2", "registrar.yaml:1: version: is 2, must be 1"},
		{"security", registrar, "registrar.yaml", "version: 1", "version: 1\nsecurity: none", `registrar.yaml:2: security: is "none", must be one of secured, clear`},
		{"dialect", registrar, "registrar.yaml", "version: 1", "version: 1\ndialect: german", `registrar.yaml:2: dialect: is "german", must be one of rfc, rsplib`},
		{"dialect without security", user, "pu.yaml", "version: 1", "version: 1\ndialect: rsplib", "pu.yaml:2: dialect: rsplib has no TLS: it needs security: clear"},
		{"protocol", registrar, "registrar.yaml", "asap, transport: tcp", "asp, transport: tcp", `registrar.yaml:5: doors[1].protocol: is "asp", must be one of asap, enrp`},
		{"transport", registrar, "registrar.yaml", "transport: tcp", "transport: quic", `registrar.yaml:5: doors[1].transport: is "quic", must be one of tcp, sctp, sctp-udp, sctp-kernel, udp`},
		{"address", registrar, "registrar.yaml", `"127.81.9.1:3864"`, `"127.81.9.1"`, `registrar.yaml:4: doors[0].address: "127.81.9.1": not an ip:port`},
		{"role", registrar, "registrar.yaml", "pe-b, role: pe", "pe-b, role: boss", `registrar.yaml:9: identities[1].role: role "boss": must be pe, pu or registrar`},
		{"identity without a key", registrar, "registrar.yaml", "identity: pe-b", "identity: pe-c", `registrar.yaml:9: identities[1].identity: identity "pe-c" is not in the PSK file`},
		{"timer", registrar, "registrar.yaml", "keep_alive: 200ms", "keep_alive: -1s", `registrar.yaml:12: timers.keep_alive: "-1s" is not a positive duration like 5s`},
		{"log format", registrar, "registrar.yaml", "format: json", "format: xml", `registrar.yaml:13: log.format: is "xml", must be one of text, json`},
		{"secrets in clear", registrar, "registrar.yaml", "version: 1", "version: 1\nsecurity: clear", "registrar.yaml:5: doors[0].tls: a registrar in clear has no TLS doors"},
		{"no PSK file", registrar, "registrar.yaml", "psk_file: keys.psk", "", "registrar.yaml: psk_file: is missing: a secured registrar needs one"},
		{"certificate", registrar, "registrar.yaml", "cert.pem", "none.pem", "registrar.yaml:10: certificate_file: open"},
		{"PSK file", registrar, "keys.psk", "pe-b:32", "pe-b:xx", "registrar.yaml:6: psk_file: PSK file"},
		{"shared key", registrar, "keys.psk", "pe-b:" + strings.Repeat("32", 32), "pe-b:" + strings.Repeat("31", 32), `registrar.yaml:8: identities: registrar: identity "pe-b" has the same key as "pe-a"`},

		{"peer without a key", registrar, "registrar.yaml", "version: 1", "version: 1\npeers: [{transport: sctp, address: \"127.81.9.2:9902\"}]", "registrar.yaml: identity: is missing: a secured registrar needs one to dial its peers"},
		{"peer that is an element", registrar, "registrar.yaml", "version: 1", "version: 1\nidentity: registrar-2\npeers: [{transport: sctp, address: \"127.81.9.2:9902\", identity: pe-a}]", `registrar.yaml:3: peers[0].identity: "pe-a" is not among the identities with the role registrar`},
		{"peer over TCP", registrar, "registrar.yaml", "version: 1", "version: 1\nidentity: registrar-2\npeers: [{transport: tcp, address: \"127.81.9.2:9902\"}]", `registrar.yaml:3: peers[0].transport: is "tcp", must be one of sctp, sctp-udp, sctp-kernel`},
		{"no registrars", element, "pe-b.yaml", "registrars:\n  - {transport: sctp-udp, address: \"127.81.9.1:3864\", server_id: 0x11}", "", "pe-b.yaml: registrars: there must be one, or announcements, or doors"},
		{"own identity", element, "pe-b.yaml", "identity: pe-b", "identity: nobody", `pe-b.yaml:5: identity: identity "nobody" is not in the PSK file`},
		{"policy", element, "pe-b.yaml", "name: priority", "name: best", `pe-b.yaml:11: pools[0].policy.name: is "best", must be one of round-robin, `},
		{"weight", element, "pe-b.yaml", "name: priority", "name: weighted-random", "pe-b.yaml: pools[0].policy.weight: must be 1 at least for weighted-random"},
		{"load", element, "pe-b.yaml", "name: priority", "name: least-used, load: 1.5", "pe-b.yaml:11: pools[0].policy.load: is 1.5, must be from 0 to 1"},
		{"life", element, "pe-b.yaml", "handle: Echo", "handle: Echo\n    life: 10ms", "pe-b.yaml:10: pools[0].life: 10ms is out of range"},
		{"service without a certificate", element, "pe-b.yaml", "certificate_file: cert.pem\nkey_file: key.pem", "", "pe-b.yaml:11: pools[0].service.tls: needs certificate_file and key_file"},

		{"no pool", user, "pu.yaml", "pool: Echo", "", "pu.yaml: pool: is missing"},
		{"no authority", user, "pu.yaml", "ca_file: ca.pem", "", "pu.yaml: ca_file: is missing: a secured pool user needs it, or psk_file and identity"},
		{"authority", user, "ca.pem", "CERTIFICATE", "NOTHING", "pu.yaml:5: ca_file: ca.pem: no certificates in it"},
		{"element security", user, "pu.yaml", "ca_file: ca.pem", "ca_file: ca.pem\nelements: {security: some}", `pu.yaml:6: elements.security: is "some", must be one of secured, preferred, clear`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, "127.81.9.")
			b.element("b", "11", "1", "tcp")
			main := tc.file
			if strings.HasSuffix(main, ".psk") || strings.HasSuffix(main, ".pem") {
				main, _, _ = strings.Cut(tc.want, ":")
			}
			if err := tc.load(b.path(main)); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			b.replace(tc.file, tc.old, tc.changed)
			err := tc.load(b.path(main))
			if !errors.Is(err, daemon.ErrConfig) {
				t.Fatalf("got %v", err)
			}
			if want := "configuration " + b.dir + "/" + tc.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestConfigurationThatIsNotThere(t *testing.T) {
	b := newBed(t, "127.81.9.")
	if _, err := daemon.LoadUser(b.path("none.yaml")); !errors.Is(err, daemon.ErrConfig) || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}
