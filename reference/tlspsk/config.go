// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"crypto/tls"
	"fmt"
	"io"
	"time"
)

// maxSecurityLevel is the highest that OpenSSL knows.
const maxSecurityLevel = 5

// Config describes one kind of secured link. It may be shared by any number of
// connections and goroutines, and should be: the first use builds the engine
// that the others share. From then on neither the Config nor what it points to
// may change, and it must not be copied; Clone gives a fresh one.
type Config struct {
	// PSKIdentity and PSKKey authenticate a client. The identity has 1 to
	// MaxIdentityLen octets without NUL, the key MinKeyLen to MaxKeyLen octets.
	// A client that has them never accepts a certificate instead.
	PSKIdentity string
	PSKKey      []byte

	// Lookup returns a fresh copy of the key of an identity, or nothing when the
	// identity is unknown. It makes a server take pre-shared keys. It is called
	// during handshakes, by several at once, and holds up the others: memory
	// only, no waiting, no use of the connection. The identity is what a
	// stranger sent (1 to MaxIdentityLen octets, not necessarily UTF-8). The
	// returned slice is cleared after use.
	Lookup func(identity string) (key []byte)

	// HideUnknownIdentity makes a server treat an unknown identity as a known one
	// with a wrong key (RFC 4279 section 2), so that the alert does not tell a
	// prober which identities exist.
	HideUnknownIdentity bool

	// Certificates configures the certificate engine: RootCAs and ServerName (or
	// an IP address there) of a client, Certificates and ClientCAs of a server.
	// Session tickets are switched off whatever it says, and GetConfigForClient
	// is refused. TLS_RSA_WITH_AES_128_CBC_SHA (RFC 3436 section 4.1) must be
	// named in its CipherSuites. A server that asks for no client certificate
	// finds its peers Anonymous.
	Certificates *tls.Config

	// MinVersion and MaxVersion hold for both engines. Zero means TLS12 and
	// TLS13, or what Certificates says for that engine.
	MinVersion, MaxVersion Version

	// CipherSuites (TLS 1.2 and before) and CipherSuites13 are OpenSSL lists for
	// the PSK engine, in order of preference; "" means DefaultCipherSuites and
	// DefaultCipherSuites13. A suite without encryption must be named in full
	// and needs level 0: "PSK-NULL-SHA256:@SECLEVEL=0". TLS 1.3 suites must use
	// SHA-256, the hash of an external key.
	CipherSuites, CipherSuites13 string

	// SecurityLevel is OpenSSL's (0 to 5) for the PSK engine; nil means 2. A
	// @SECLEVEL in CipherSuites wins.
	SecurityLevel *int

	// AllowEarlyData turns TLS 1.3 early data on for pre-shared keys: a client
	// sends what was given to WriteEarlyData, a server hands it to the first
	// Read, before the peer has shown that it is not a replay. Only for attackers
	// and for deliberately faulty servers.
	AllowEarlyData bool

	// Tickets makes a server of pre-shared keys hand out session tickets, and take
	// them instead of a key that may have been withdrawn since. Only for
	// deliberately faulty servers.
	Tickets bool

	// Sessions keeps what a client of pre-shared keys was given to resume its
	// session with, for its next connection. Only for attackers.
	Sessions *Sessions

	// KeyLog receives the secrets of every connection in the NSS key log format,
	// one line a Write, never two at once from one Config. A handshake whose
	// secrets could not be written fails.
	KeyLog io.Writer

	// HandshakeTimeout bounds a handshake, from the first octet waited for; zero
	// means DefaultHandshakeTimeout.
	HandshakeTimeout time.Duration

	// Messages says that the transport preserves messages: each Write on it is
	// one TLS record, and each Read asks for a whole one (RFC 3436). A Write of
	// up to 16384 octets on the Conn is one message, a longer one is several.
	Messages bool

	shared shared
}

// Clone returns a copy that has not been used.
func (c *Config) Clone() *Config {
	return &Config{
		PSKIdentity: c.PSKIdentity, PSKKey: c.PSKKey,
		Lookup: c.Lookup, HideUnknownIdentity: c.HideUnknownIdentity,
		Certificates: c.Certificates,
		MinVersion:   c.MinVersion, MaxVersion: c.MaxVersion,
		CipherSuites: c.CipherSuites, CipherSuites13: c.CipherSuites13,
		SecurityLevel: c.SecurityLevel, AllowEarlyData: c.AllowEarlyData, Tickets: c.Tickets, Sessions: c.Sessions,
		KeyLog: c.KeyLog, HandshakeTimeout: c.HandshakeTimeout, Messages: c.Messages,
	}
}

// versions returns the range for the PSK engine.
func (c *Config) versions() (lowest, highest Version) {
	lowest, highest = c.MinVersion, c.MaxVersion
	if lowest == 0 {
		lowest = TLS12
	}
	if highest == 0 {
		highest = TLS13
	}
	return lowest, highest
}

// timeout returns the handshake timeout.
func (c *Config) timeout() time.Duration {
	if c.HandshakeTimeout == 0 {
		return DefaultHandshakeTimeout
	}
	return c.HandshakeTimeout
}

// check finds what no engine could work with.
func (c *Config) check() error {
	lowest, highest := c.versions()
	if !lowest.known() || !highest.known() || lowest > highest {
		return fmt.Errorf("tlspsk: %w: versions %v to %v", ErrConfig, lowest, highest)
	}
	if l := c.SecurityLevel; l != nil && (*l < 0 || *l > maxSecurityLevel) {
		return fmt.Errorf("tlspsk: %w: security level %d", ErrConfig, *l)
	}
	if c.HandshakeTimeout < 0 {
		return fmt.Errorf("tlspsk: %w: handshake timeout %v", ErrConfig, c.HandshakeTimeout)
	}
	if c.Certificates != nil && c.Certificates.GetConfigForClient != nil {
		return fmt.Errorf("tlspsk: %w: GetConfigForClient could bring session tickets back", ErrConfig)
	}
	return nil
}

// hasPSK reports whether a client is to use a pre-shared key.
func (c *Config) hasPSK() bool { return c.PSKIdentity != "" || len(c.PSKKey) > 0 }
