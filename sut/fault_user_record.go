// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"net"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// userRecordFaults take out what TLS does for records after the handshake.
func userRecordFaults() []Fault {
	return []Fault{
		{
			Name:         "user-skip-record-authentication",
			Description:  "TLS records of registrars are decrypted, and nobody looks at what authenticates them",
			Requirements: []string{"T2.10-R1", "T2.10-R3"},
			user:         func(c *pooluser.Config) { weakenRecords(c, false) },
		},
		{
			Name:         "user-accept-replayed-records",
			Description:  "a TLS record of a registrar that came before counts once more",
			Requirements: []string{"T2.8-R1", "T2.8-R2"},
			user:         func(c *pooluser.Config) { weakenRecords(c, true) },
		},
		{
			Name:         "user-agree-to-null-suite",
			Description:  "the user goes on when a registrar chooses TLS_NULL_WITH_NULL_NULL",
			Requirements: []string{"T2.10-R1", "T2.10-R3"},
			user:         func(c *pooluser.Config) { agreeTo(c, 0x0000) },
		},
		{
			Name:         "user-agree-to-null-encryption",
			Description:  "the user goes on when a registrar chooses a cipher suite that does not encrypt",
			Requirements: []string{"T2.11-R1", "T2.11-R2", "T2.12-R2", "T2.12-R3"},
			user:         func(c *pooluser.Config) { agreeTo(c, 0x003b, 0xc006) },
		},
		{
			Name:         "user-accept-null-encryption",
			Description:  "a cipher suite that authenticates but does not encrypt is offered with pre-shared keys",
			Requirements: []string{"T2.11-R1", "T2.11-R2"},
			user: func(c *pooluser.Config) {
				// Level 0, because OpenSSL leaves NULL suites out of every higher one.
				c.Credentials.CipherSuites = "PSK-AES128-GCM-SHA256:PSK-NULL-SHA256:@SECLEVEL=0"
			},
		},
	}
}

// weakenRecords puts a credulous connection below TLS with registrars.
func weakenRecords(c *pooluser.Config, forgetful bool) {
	dial := c.Dial
	c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
		if towardsRegistrar(&t) && t.TLS != nil {
			keys := &sessionSecrets{}
			t.TLS = t.TLS.Clone()
			t.TLS.MaxVersion, t.TLS.CipherSuites, t.TLS.KeyLog = tlspsk.TLS12, credulousSuite, keys
			if own := t.TLS.Certificates; own != nil {
				t.TLS.Certificates = own.Clone()
				t.TLS.Certificates.CipherSuites = []uint16{
					tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
				}
			}
			t.Wrap = func(raw net.Conn) net.Conn {
				return &credulous{Conn: raw, keys: keys, client: true, forgetful: forgetful}
			}
		}
		return dial(ctx, t)
	}
}

// agreeTo has the user go on when a registrar chooses one of the suites.
func agreeTo(c *pooluser.Config, suites ...uint16) {
	dial := c.Dial
	c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
		if towardsRegistrar(&t) {
			t.Wrap = func(raw net.Conn) net.Conn { return &submissive{Conn: raw, suites: suites} }
		}
		return dial(ctx, t)
	}
}

// submissive answers a ServerHello that chooses one of the suites with a ClientKeyExchange.
// What would come next nobody needs.
type submissive struct {
	net.Conn
	suites []uint16
	begun  bool
}

// Read looks at the first piece.
func (s *submissive) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if err != nil || s.begun {
		return n, err
	}
	s.begun = true
	const session = helloRandomAt + helloRandomLength // where its length is
	if n <= session || b[0] != recordHandshake {
		return n, nil
	}
	at := session + 1 + int(b[session])
	if n < at+2 || !slices.Contains(s.suites, binary.BigEndian.Uint16(b[at:])) {
		return n, nil
	}
	_, err = s.Conn.Write([]byte{recordHandshake, 3, 3, 0, 6, 16, 0, 0, 2, 0, 0})
	return n, err
}
