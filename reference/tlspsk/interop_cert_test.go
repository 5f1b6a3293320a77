// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"testing"
)

func TestCertificatesWithOpenSSL(t *testing.T) {
	a := newAuthority(t)
	mine := a.issue(t, pkix.Name{CommonName: "pu"})
	cert, key, ca := a.files(t, mine)
	for _, tc := range []struct {
		name   string
		change []func(*Config)
		args   []string
	}{
		{"1.2 RSA key exchange", []func(*Config){only(TLS12), rsaKx}, []string{"-tls1_2", "-cipher", "AES128-SHA"}},
		{"1.3", []func(*Config){only(TLS13)}, []string{"-tls1_3"}},
	} {
		t.Run("server/"+tc.name, func(t *testing.T) {
			sc := both(t, a, append(tc.change, func(c *Config) {
				c.Certificates.ClientAuth, c.Certificates.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
			})...)
			p, server := opensslClient(t, sc, append(tc.args, "-cert", cert, "-key", key, "-CAfile", ca, "-verify_return_error")...)
			talk(t, p, server)
			if got, want := server.State().PeerIdentity, (Identity{Certificate, "CN=pu"}); got != want {
				t.Errorf("server sees %v, want %v", got, want)
			}
		})
		t.Run("client/"+tc.name, func(t *testing.T) {
			_, raw := opensslServer(t, append(tc.args, "-cert", cert, "-key", key, "-CAfile", ca, "-Verify", "2", "-verify_return_error")...)
			client, err := Client(raw, certClient(a, append(tc.change, func(c *Config) { c.Certificates.Certificates = []tls.Certificate{mine} })...))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			askReversed(t, client)
		})
	}
}
