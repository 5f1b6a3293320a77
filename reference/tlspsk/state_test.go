// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"testing"
)

func TestIdentityIsPrintedSafely(t *testing.T) {
	for want, id := range map[string]Identity{
		"anonymous":                  {},
		`psk "node1"`:                {PSK, "node1"},
		`psk "\x1b[2J\nroot\u202e"`:  {PSK, "\x1b[2J\nroot\u202e"},
		`certificate "CN=registrar"`: {Certificate, "CN=registrar"},
	} {
		if got := id.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestServerRefusesIdentitiesThatOneVersionWouldCut(t *testing.T) {
	c := pskServer(func(c *Config) { c.Lookup = func(string) []byte { return testKey() } }).callbacks()
	for _, id := range []string{"", "node1\x00x"} {
		if k := c.find(id); k != nil || !errors.Is(c.err, ErrIdentity) {
			t.Errorf("%q: key %x, error %v", id, k, c.err)
		}
	}
}

func TestVersionsHaveTheirUsualNames(t *testing.T) {
	for v, want := range map[Version]string{TLS11: "TLS 1.1", TLS12: "TLS 1.2", TLS13: "TLS 1.3", 0x0300: "TLS 0x0300"} {
		if got := v.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
