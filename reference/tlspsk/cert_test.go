// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"testing"
)

// rsaKx is the suite that RFC 3436 section 4.1 demands; crypto/tls wants it named.
func rsaKx(c *Config) {
	c.Certificates.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
}

func TestCertificateHandshakeAgreesOnVersionAndSuite(t *testing.T) {
	a := newAuthority(t)
	for _, tc := range []struct {
		name           string
		change         []func(*Config)
		version, suite string
	}{
		{"newest", nil, "TLS 1.3", "TLS_AES_128_GCM_SHA256"},
		{"RSA key exchange", []func(*Config){only(TLS12), rsaKx}, "TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"TLS 1.1", []func(*Config){only(TLS11), rsaKx}, "TLS 1.1", "TLS_RSA_WITH_AES_128_CBC_SHA"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, server := connect(t, certClient(a, tc.change...), both(t, a, tc.change...))
			want := State{Version: tc.version, CipherSuite: tc.suite}
			if got := server.State(); got != want {
				t.Errorf("server state %+v, want %+v", got, want)
			}
			want.PeerIdentity = Identity{Certificate, "CN=registrar"}
			if got := client.State(); got != want {
				t.Errorf("client state %+v, want %+v", got, want)
			}
		})
	}
}

func TestServerNamesTheClientByItsVerifiedCertificate(t *testing.T) {
	a := newAuthority(t)
	for _, tc := range []struct {
		name    string
		subject pkix.Name
		auth    tls.ClientAuthType
		want    Identity
	}{
		{"verified", pkix.Name{CommonName: "pu", Organization: []string{"x, y"}}, tls.RequireAndVerifyClientCert, Identity{Certificate, `CN=pu,O=x\, y`}},
		{"subjectAltName only", pkix.Name{}, tls.RequireAndVerifyClientCert, Identity{Certificate, "node1.example"}},
		{"not verified", pkix.Name{CommonName: "liar"}, tls.RequireAnyClientCert, Identity{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mine := a.issue(t, tc.subject)
			cc := certClient(a, func(c *Config) { c.Certificates.Certificates = []tls.Certificate{mine} })
			sc := both(t, a, func(c *Config) { c.Certificates.ClientAuth, c.Certificates.ClientCAs = tc.auth, a.pool })
			if _, server := connect(t, cc, sc); server.State().PeerIdentity != tc.want {
				t.Errorf("server sees %v, want %v", server.State().PeerIdentity, tc.want)
			}
		})
	}
}

func TestCertificateOfAnotherNameOrAuthorityIsRefused(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	name := func(s string) func(*Config) { return func(c *Config) { c.Certificates.ServerName = s } }
	for _, tc := range []struct {
		name   string
		client *Config
		ok     bool
	}{
		{"name", certClient(a), true},
		{"address", certClient(a, name("127.0.0.1")), true},
		{"other name", certClient(a, name("node2.example")), false},
		{"other address", certClient(a, name("127.0.0.2")), false},
		{"other authority", certClient(other), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sc := both(t, a)
			if tc.ok {
				connect(t, tc.client, sc)
				return
			}
			var bad *tls.CertificateVerificationError
			ce, se := refused(t, tc.client, sc)
			if !errors.As(ce, &bad) {
				t.Errorf("client: %v", ce)
			}
			wantAlerts(t, se, "", "bad_certificate")
		})
	}
}

func TestMissingClientCertificateIsRefused(t *testing.T) {
	a := newAuthority(t)
	for v, want := range map[Version]string{TLS12: "handshake_failure", TLS13: "certificate_required"} {
		sc := both(t, a, only(v), func(c *Config) {
			c.Certificates.ClientAuth, c.Certificates.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
		})
		ce, _ := refused(t, certClient(a), sc)
		wantAlerts(t, ce, "", want)
	}
}

// A ticket would outlive the certificate or key that it stands for.
func TestNoEngineResumes(t *testing.T) {
	a := newAuthority(t)
	for _, v := range []Version{TLS12, TLS13} {
		cache := tls.NewLRUClientSessionCache(4)
		raw := &tls.Config{RootCAs: a.pool, ServerName: "node1.example", ClientSessionCache: cache, MinVersion: uint16(v), MaxVersion: uint16(v)}
		sc := both(t, a)
		for range 2 {
			x, y := tcpPair(t)
			server, err := Server(y, sc)
			if err != nil {
				t.Fatal(err)
			}
			client := tls.Client(x, raw)
			ended := make(chan error)
			go func() {
				_, err := server.Write([]byte("!"))
				ended <- err
			}()
			if _, err := client.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if client.ConnectionState().DidResume || server.State().Resumed {
				t.Errorf("%v: resumed", v)
			}
			server.Close()
		}
		if _, ok := cache.Get("node1.example"); ok {
			t.Errorf("%v: the server gave a ticket", v)
		}
	}
}

func TestKeyLogOfBothEnginesHasTheSecrets(t *testing.T) {
	a := newAuthority(t)
	for _, tc := range []struct {
		name   string
		client *Config
		labels []string
	}{
		{"psk 1.2", pskClient(only(TLS12)), []string{"CLIENT_RANDOM "}},
		{"psk 1.3", pskClient(only(TLS13)), []string{"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "}},
		{"certificate 1.2", certClient(a, only(TLS12)), []string{"CLIENT_RANDOM "}},
		{"certificate 1.3", certClient(a, only(TLS13)), []string{"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var cl, sl bytes.Buffer
			tc.client.KeyLog = &cl
			client, server := connect(t, tc.client, both(t, a, func(c *Config) { c.KeyLog = &sl }))
			client.Close()
			server.Close()
			for _, l := range tc.labels {
				mine, theirs := line(cl.Bytes(), l), line(sl.Bytes(), l)
				if mine == "" || mine != theirs {
					t.Errorf("%s: client %q, server %q", l, mine, theirs)
				}
			}
		})
	}
}

func line(b []byte, label string) string {
	for l := range bytes.Lines(b) {
		if bytes.HasPrefix(l, []byte(label)) {
			return string(l)
		}
	}
	return ""
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestHandshakeFailsWithoutItsKeyLog(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		cc.KeyLog = brokenWriter{}
		a, b := tcpPair(t)
		client, server := wrap(t, a, b, cc, sc)
		go server.HandshakeContext(context.Background())
		if err := client.HandshakeContext(t.Context()); !errors.Is(err, ErrKeyLog) {
			t.Errorf("got %v, want ErrKeyLog", err)
		}
	})
}
