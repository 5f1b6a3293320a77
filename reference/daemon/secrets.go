// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// secrets are pre-shared keys by identity.
type secrets map[string][]byte

// secrets reads the PSK file, if one is named.
func (d *document) secrets(place, path string) secrets {
	if path == "" || d.err != nil {
		return nil
	}
	s, err := registrar.ReadPSKFile(d.file(path))
	if err != nil {
		d.fail(place, "%w", err)
	}
	return s
}

// key returns the key of an identity, which has to be there.
func (d *document) key(place, identity string, s secrets) []byte {
	d.required(place, identity)
	key, ok := s[identity]
	if !ok {
		d.fail(place, "identity %q is not in the PSK file", identity)
	}
	return key
}

// certificate reads a certificate with its chain and its key; nil when none is named.
func (d *document) certificate(certificate, key string) *tls.Certificate {
	if (certificate == "" && key == "") || d.err != nil {
		return nil
	}
	d.required("certificate_file", certificate)
	d.required("key_file", key)
	if d.err != nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(d.file(certificate), d.file(key))
	if err != nil {
		d.fail("certificate_file", "%w", err)
	}
	return &pair
}

// authorities reads the certificates that are trusted; nil when no file is named.
func (d *document) authorities(place, path string) *x509.CertPool {
	if path == "" || d.err != nil {
		return nil
	}
	b, err := os.ReadFile(d.file(path))
	if err != nil {
		d.fail(place, "%w", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		d.fail(place, "%s: no certificates in it", path)
	}
	return pool
}

// shown is the certificate that new handshakes show, nil for none; it can be replaced while
// they run.
type shown struct {
	current atomic.Pointer[tls.Certificate]
}

func newShown(c *tls.Certificate) *shown {
	s := &shown{}
	s.current.Store(c)
	return s
}

// config returns the TLS configuration of a server; nil without a certificate.
func (s *shown) config() *tls.Config {
	if s.current.Load() == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.current.Load(), nil
		},
	}
}
