// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"net"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// integrityFaults take what was changed on the way (draft section 2.10).
func integrityFaults() []Fault {
	violated := []string{"T2.10-R1", "T2.10-R2", "T2.10-R3"}
	return []Fault{
		{
			Name:         "skip-record-authentication",
			Description:  "TLS records are decrypted, and nobody looks at what authenticates them",
			Requirements: violated,
			apply: func(c *registrar.Config) {
				keys := &sessionSecrets{}
				c.TLS.MaxVersion, c.TLS.CipherSuites, c.TLS.KeyLog = tlspsk.TLS12, credulousSuite, keys
				wrapTLS(c, func(raw net.Conn) net.Conn { return &credulous{Conn: raw, keys: keys} })
			},
		},
		{
			Name:         "agree-to-null-suite",
			Description:  "TLS_NULL_WITH_NULL_NULL is agreed to, which has no integrity",
			Requirements: violated,
			apply: func(c *registrar.Config) {
				wrapTLS(c, func(raw net.Conn) net.Conn { return &agreeable{Conn: raw} })
			},
		},
	}
}

// wrapTLS puts w below TLS, on what may stand there already.
func wrapTLS(c *registrar.Config, w func(net.Conn) net.Conn) {
	below := c.TLS.Wrap
	c.TLS.Wrap = func(raw net.Conn) net.Conn {
		if below != nil {
			raw = below(raw)
		}
		return w(raw)
	}
}

// agreeable answers a ClientHello that offers nothing but TLS_NULL_WITH_NULL_NULL with a
// ServerHello. What would come next nobody needs.
type agreeable struct {
	net.Conn
	begun bool
}

// Read looks at the first piece.
func (a *agreeable) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	if err != nil || a.begun {
		return n, err
	}
	a.begun = true
	const suites = 5 + 4 + 2 + 32 + 1 // of a ClientHello without a session
	if n < suites+4 || b[0] != recordHandshake || b[suites-1] != 0 || string(b[suites:suites+4]) != "\x00\x02\x00\x00" {
		return n, nil
	}
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0, 0, 0)
	message := append([]byte{2, 0, 0, byte(len(hello))}, hello...)
	_, err = a.Write(append([]byte{recordHandshake, 3, 3, 0, byte(len(message))}, message...))
	return n, err
}
