// SPDX-License-Identifier: Apache-2.0

package sut_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/sut"
)

const minimal = `version: 1
name: test registrar
address: 192.0.2.1
doors:
  - {protocol: asap, transport: tcp, tls: true, port: 3864}
credentials: {psk_file: keys.psk, element: pe-alice}
`

// TestWrongConfigurationsAreRefusedWithThePlace: a user has to find the line.
func TestWrongConfigurationsAreRefusedWithThePlace(t *testing.T) {
	for _, row := range []struct{ name, from, to, want string }{
		{"no version", "version: 1\n", "", "version"},
		{"another version", "version: 1", "version: 7", "version: is 7"},
		{"no name", "name: test registrar\n", "", "name"},
		{"an unknown key", "name: test registrar", "nmae: test registrar", "[2:1]"},
		{"a value of the wrong kind", "port: 3864", "port: many", "[5:"},
		{"a port too large", "port: 3864", "port: 70000", "[5:"},
		{"an unknown protocol", "protocol: asap", "protocol: http", "doors[0].protocol"},
		{"an unknown transport", "transport: tcp", "transport: quic", "doors[0].transport"},
		{"TLS over UDP", "transport: tcp", "transport: udp", "doors[0]"},
		{"an unknown security", "address:", "security: some\naddress:", "security"},
		{"TLS doors of a clear system", "address:", "security: clear\naddress:", "doors[0]"},
		{"no address", "192.0.2.1", "registrar.example", "doors[0].address"},
		{"a group over TCP", "address: 192.0.2.1", "address: 224.0.1.185", "doors[0].address"},
		{"a tag without a value", "doors:\n  - {protocol: asap, transport: tcp, tls: true, port: 3864}\n", "doors: ! \n", "malformed YAML"},
		{"no doors", "doors:\n  - {protocol: asap, transport: tcp, tls: true, port: 3864}\n", "", "doors"},
		{"a wrong duration", "address:", "timers: {response: soon}\naddress:", "timers.response"},
		{"elements over UDP", "address:", "roles: [pu]\nadapter: {command: [x]}\nuser: {service_transport: udp}\naddress:", "user.service_transport"},
		{"a transport of elements for an element", "address:", "roles: [pe]\nadapter: {command: [x]}\nelement: {service_transport: sctp}\naddress:", "element.service_transport"},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := strings.Replace(minimal, row.from, row.to, 1)
			if text == minimal {
				t.Fatal("the row changes nothing")
			}
			_, err := sut.ParseConfig([]byte(text))
			if !errors.Is(err, sut.ErrConfig) || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want a configuration error that names %q", err, row.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("the error has several lines: %q", err)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSystemIsOpenedWithItsCredentials(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "keys.psk", "# keys\n\npe-alice:000102030405060708090a0b0c0d0e0f\n")
	cfg, err := sut.LoadConfig(write(t, dir, "sut.yaml", minimal))
	if err != nil {
		t.Fatal(err)
	}
	target, err := sut.NewExternal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	i, err := target.Prepare(t.Context(), sut.Wanted{Security: sut.Secured})
	if err != nil {
		t.Fatal(err)
	}
	if i.Credentials.Element == nil || i.Credentials.Element.Key[15] != 0x0f || len(i.Doors) == 0 {
		t.Fatalf("instance %+v", i)
	}
	if _, err := target.Prepare(t.Context(), sut.Wanted{Security: sut.Clear}); !errors.Is(err, sut.ErrNoVariant) {
		t.Fatalf("error %v, want ErrNoVariant", err)
	}
	if text := cfg.Redacted(); strings.Contains(text, "0102030405") || !strings.Contains(text, "pe-alice") {
		t.Fatalf("the redacted configuration is\n%s", text)
	}
}

// TestUnusableCredentialsAreRefused: and no error shows a key.
func TestUnusableCredentialsAreRefused(t *testing.T) {
	const key = "000102030405060708090a0b0c0d0e0f"
	for _, row := range []struct{ name, keys, want string }{
		{"no such identity", "pe-bob:" + key, "pe-alice"},
		{"not hexadecimal", "pe-alice:x" + key, "keys.psk:1"},
		{"too short", "pe-alice:" + key[:16], "at least 16"},
		{"no colon", "pe-alice", "keys.psk:1"},
		{"twice", "pe-alice:" + key + "\npe-alice:" + key, "keys.psk:2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "keys.psk", row.keys)
			cfg, err := sut.LoadConfig(write(t, dir, "sut.yaml", minimal))
			if err != nil {
				t.Fatal(err)
			}
			_, err = sut.NewExternal(cfg)
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "0102030405") {
				t.Fatalf("error %v, want one that names %q and shows no key", err, row.want)
			}
		})
	}
}

func TestClosedClearDoorsOfASecuredSystemAreTriedToo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "keys.psk", "pe-alice:000102030405060708090a0b0c0d0e0f")
	cfg, err := sut.LoadConfig(write(t, dir, "sut.yaml", minimal))
	if err != nil {
		t.Fatal(err)
	}
	target, err := sut.NewExternal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	i, err := target.Prepare(t.Context(), sut.Wanted{Security: sut.Secured})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range i.Doors {
		if !d.Secured && d.Addr.Port() == 3863 {
			return
		}
	}
	t.Fatalf("no clear ASAP port among %v: an attacker would try it", i.Doors)
}
