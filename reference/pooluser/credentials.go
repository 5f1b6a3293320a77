// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/net/idna"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Credentials are what the pool user authenticates the far end with, and itself.
type Credentials struct {
	// RootCAs are the authorities that were given to the pool user out of band
	// (draft section 2.7). There is no default: the system's store has never
	// heard of the administrator's authority, and of too many others.
	RootCAs *x509.CertPool
	// Certificates are shown to a far end that asks for one. A PU MAY have some
	// (RFC 5352 section 9.2).
	Certificates []tls.Certificate
	// PSKIdentity and PSKKey are for registrars that know the PU by a pre-shared
	// key. With them certificates are not accepted instead.
	PSKIdentity string
	PSKKey      []byte

	MinVersion, MaxVersion tlspsk.Version // 0: TLS 1.2 to 1.3
	CipherSuites           string         // OpenSSL list for the pre-shared key up to TLS 1.2
	KeyLog                 io.Writer      // receives session secrets; only for evidence
}

func (c *Credentials) usable() bool { return c.psk() || c.RootCAs != nil }

func (c *Credentials) psk() bool { return c.PSKIdentity != "" || len(c.PSKKey) > 0 }

// config returns the TLS configuration towards a far end with the given
// reference identity.
func (c *Credentials) config(reference string, checks CertificateChecks, messages bool) (*tlspsk.Config, error) {
	t := &tlspsk.Config{
		MinVersion: c.MinVersion, MaxVersion: c.MaxVersion, CipherSuites: c.CipherSuites,
		KeyLog: c.KeyLog, Messages: messages,
	}
	if c.psk() {
		t.PSKIdentity, t.PSKKey = c.PSKIdentity, c.PSKKey
		return t, nil
	}
	name, err := referenceIdentity(reference)
	if err != nil {
		return nil, err
	}
	t.Certificates = checks.configure(c, name)
	return t, nil
}

// toASCII is what RFC 5352 section 9.2 asks for: ToASCII of each label, with
// UseSTD3ASCIIRules.
var toASCII = idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.BidiRule())

// referenceIdentity returns the name in the form in which certificates have it.
func referenceIdentity(name string) (string, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		// An address is compared octet by octet, IPv4 with four of them.
		return addr.Unmap().WithZone("").String(), nil
	}
	ascii, err := toASCII.ToASCII(name)
	if err != nil || ascii == "" {
		return "", fmt.Errorf("%w: name %q of a certificate: %w", ErrConfig, name, err)
	}
	return ascii, nil
}
