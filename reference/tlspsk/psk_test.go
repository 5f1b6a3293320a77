// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestPSKHandshakeAgreesOnVersionSuiteAndIdentity(t *testing.T) {
	for _, tc := range []struct {
		name          string
		client, srv   []func(*Config)
		version, want string
	}{
		{"mandatory suite", []func(*Config){suites("PSK-AES128-CBC-SHA"), only(TLS12)}, nil, "TLS 1.2", "TLS_PSK_WITH_AES_128_CBC_SHA"},
		{"forward secrecy is preferred", []func(*Config){only(TLS12)}, nil, "TLS 1.2", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"},
		{"newest version is preferred", nil, nil, "TLS 1.3", "TLS_AES_128_GCM_SHA256"},
		{"client of TLS 1.3 meets server of TLS 1.2", nil, []func(*Config){only(TLS12)}, "TLS 1.2", "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"},
		{"TLS 1.1 when asked for", []func(*Config){only(TLS11), suites("PSK-AES128-CBC-SHA")}, []func(*Config){only(TLS11)}, "TLS 1.1", "TLS_PSK_WITH_AES_128_CBC_SHA"},
		{
			"NULL encryption when named",
			[]func(*Config){only(TLS12), suites("PSK-NULL-SHA256:@SECLEVEL=0")},
			[]func(*Config){suites("PSK-NULL-SHA256:@SECLEVEL=0")},
			"TLS 1.2", "TLS_PSK_WITH_NULL_SHA256",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, server := connect(t, pskClient(tc.client...), pskServer(tc.srv...))
			want := State{Version: tc.version, CipherSuite: tc.want, PSK: true, PeerIdentity: Identity{PSK, nodeName}}
			if got := server.State(); got != want {
				t.Errorf("server state %+v, want %+v", got, want)
			}
			if got := client.State(); got != want {
				t.Errorf("client state %+v, want %+v", got, want)
			}
			duplex(t, client, server, 100_000)
		})
	}
}

func TestNullEncryptionIsOffByDefault(t *testing.T) {
	ce, _ := refused(t, pskClient(only(TLS12), suites("PSK-NULL-SHA256:@SECLEVEL=0")), pskServer())
	wantAlerts(t, ce, "", "handshake_failure")
}

func TestIdentitiesAndKeysOfLegalLengthWork(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		for _, id := range []string{"i", strings.Repeat("i", 128), strings.Repeat("i", MaxIdentityLen), "nœud-é", "\xff\xfe", "sp ace"} {
			for _, n := range []int{MinKeyLen, 64, MaxKeyLen} {
				t.Run(fmt.Sprintf("%v/%d/%d", v, len(id), n), func(t *testing.T) {
					key := make([]byte, n)
					key[n-1] = 7
					cc := pskClient(only(v), func(c *Config) { c.PSKIdentity, c.PSKKey = id, key })
					sc := pskServer(func(c *Config) {
						c.Lookup = func(got string) []byte {
							if got != id {
								return nil
							}
							return append([]byte(nil), key...)
						}
					})
					if _, server := connect(t, cc, sc); server.State().PeerIdentity.Name != id {
						t.Errorf("server saw %v", server.State().PeerIdentity)
					}
				})
			}
		}
	}
}

func TestClientRefusesBadIdentityAndKey(t *testing.T) {
	for _, tc := range []struct {
		name string
		id   string
		n    int
		want error
	}{
		{"empty identity", "", 32, ErrIdentity},
		{"identity with NUL", "a\x00b", 32, ErrIdentity},
		{"identity too long", strings.Repeat("i", MaxIdentityLen+1), 32, ErrIdentity},
		{"no key", "i", 0, ErrKeyLength},
		{"key too short", "i", MinKeyLen - 1, ErrKeyLength},
		{"key too long", "i", MaxKeyLen + 1, ErrKeyLength},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Client(nil, &Config{PSKIdentity: tc.id, PSKKey: make([]byte, tc.n)})
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestServerRefusesShortKeyOfLookup(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		sc := pskServer(only(v), func(c *Config) { c.Lookup = func(string) []byte { return make([]byte, MinKeyLen-1) } })
		if _, se := refused(t, pskClient(), sc); !errors.Is(se, ErrKeyLength) {
			t.Errorf("%v: got %v, want ErrKeyLength", v, se)
		}
	}
}

func TestPanicInLookupFailsOnlyTheHandshake(t *testing.T) {
	sc := pskServer(func(c *Config) { c.Lookup = func(string) []byte { panic("no table") } })
	if _, se := refused(t, pskClient(), sc); !errors.Is(se, ErrLookupPanicked) {
		t.Errorf("got %v, want ErrLookupPanicked", se)
	}
}
