// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"testing"
)

func wrongKey(c *Config) { c.PSKKey[0] ^= 1 }

func nobody(c *Config) { c.PSKIdentity = "nobody" }

// The alerts are those that OpenSSL 3.0 and RFC 4279 section 2, RFC 8446 section
// 4.2.11 name for each case.
func TestRefusedPSKHandshakeTellsBothSidesWhy(t *testing.T) {
	cbc := suites("PSK-AES128-CBC-SHA")
	for _, tc := range []struct {
		name   string
		client []func(*Config)
		alert  string
		want   error
	}{
		{"1.2 wrong key", []func(*Config){only(TLS12), cbc, wrongKey}, "bad_record_mac", nil},
		{"1.2 GCM wrong key", []func(*Config){only(TLS12), suites("PSK-AES128-GCM-SHA256"), wrongKey}, "bad_record_mac", nil},
		{"1.2 ECDHE wrong key", []func(*Config){only(TLS12), suites("ECDHE-PSK-AES128-CBC-SHA"), wrongKey}, "bad_record_mac", nil},
		{"1.2 unknown identity", []func(*Config){only(TLS12), cbc, nobody}, "unknown_psk_identity", ErrUnknownIdentity},
		{"1.2 no common suite", []func(*Config){only(TLS12), suites("PSK-AES256-GCM-SHA384")}, "handshake_failure", nil},
		{"1.3 wrong key", []func(*Config){only(TLS13), wrongKey}, "illegal_parameter", nil},
		{"1.3 unknown identity", []func(*Config){only(TLS13), nobody}, "handshake_failure", ErrUnknownIdentity},
		{"version too old", []func(*Config){only(TLS11)}, "protocol_version", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ce, se := refused(t, pskClient(tc.client...), pskServer())
			wantAlerts(t, ce, "", tc.alert)
			wantAlerts(t, se, tc.alert, "")
			if tc.want != nil && !errors.Is(se, tc.want) {
				t.Errorf("server error %v, want %v", se, tc.want)
			}
		})
	}
}

func TestHiddenIdentityLooksLikeAWrongKey(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		hide := pskServer(func(c *Config) { c.HideUnknownIdentity = true })
		unknown, se := refused(t, pskClient(only(v), suites("PSK-AES128-CBC-SHA"), nobody), hide)
		wrong, _ := refused(t, pskClient(only(v), suites("PSK-AES128-CBC-SHA"), wrongKey), hide)
		if unknown.Error() != wrong.Error() {
			t.Errorf("%v: a prober sees %q and %q", v, unknown, wrong)
		}
		if !errors.Is(se, ErrUnknownIdentity) {
			t.Errorf("%v: the server itself must know: %v", v, se)
		}
	}
}

// A server with a certificate must not satisfy a client that wants a key.
func TestPSKClientNeverAcceptsACertificate(t *testing.T) {
	a := newAuthority(t)
	certs := &Config{Certificates: &tls.Config{Certificates: []tls.Certificate{a.issue(t, pkix.Name{CommonName: "registrar"})}}}
	t.Run("1.3", func(t *testing.T) {
		ce, _ := refused(t, pskClient(only(TLS13)), certs)
		wantAlerts(t, ce, "unknown_ca", "")
		if !errors.Is(ce, ErrNotPSK) {
			t.Errorf("got %v, want ErrNotPSK", ce)
		}
	})
	t.Run("1.2", func(t *testing.T) {
		ce, _ := refused(t, pskClient(only(TLS12)), certs)
		wantAlerts(t, ce, "", "handshake_failure")
	})
}

// The engine itself checks what OpenSSL agreed to, whatever its configuration was.
func TestHandshakeWithoutAGivenKeyIsRefused(t *testing.T) {
	client, _ := connect(t, pskClient(), pskServer())
	c := client.(*pskConn)
	c.calls.given = false
	if err := c.authenticated(); !errors.Is(err, ErrNotPSK) {
		t.Errorf("got %v, want ErrNotPSK", err)
	}
}

func TestWrongUseIsAnError(t *testing.T) {
	level := 6
	for _, tc := range []struct {
		name   string
		config *Config
		want   error
	}{
		{"neither key nor certificate", &Config{}, ErrConfig},
		{"versions reversed", pskClient(func(c *Config) { c.MinVersion, c.MaxVersion = TLS13, TLS12 }), ErrConfig},
		{"unknown version", pskClient(only(0x0301)), ErrConfig},
		{"security level", pskClient(func(c *Config) { c.SecurityLevel = &level }), ErrConfig},
		{"negative timeout", pskClient(func(c *Config) { c.HandshakeTimeout = -1 }), ErrConfig},
		{"unknown suite", pskClient(suites("NO-SUCH-SUITE")), ErrConfig},
		{"suite with certificate", pskClient(suites("ECDHE-RSA-AES128-GCM-SHA256")), ErrSuite},
		{"RSA-PSK", pskClient(suites("RSA-PSK-AES128-CBC-SHA")), ErrSuite},
		{"NULL encryption unnamed", pskClient(suites("ECDHE-PSK-NULL-SHA256:kPSK+eNULL:@SECLEVEL=0")), ErrSuite},
		{"SHA-384", pskClient(func(c *Config) { c.CipherSuites13 = "TLS_AES_256_GCM_SHA384" }), ErrSuite},
		{"any server name", &Config{Certificates: &tls.Config{}}, ErrConfig},
		{"GetConfigForClient", &Config{Certificates: &tls.Config{
			ServerName:         "node1.example",
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil },
		}}, ErrConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := Client(nil, tc.config); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	if _, err := Server(nil, &Config{PSKIdentity: "i", PSKKey: testKey()}); !errors.Is(err, ErrConfig) {
		t.Errorf("server without Lookup and Certificates: %v", err)
	}
	if _, err := Client(nil, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("no configuration: %v", err)
	}
}
