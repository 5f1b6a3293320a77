// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/rspthreat/rspthreat/attackers/script"
)

// Haggler begins TLS with a ClientHello of its own making, for cipher suites that no TLS
// library offers any more (draft section 2.10). It goes no further than the answer.
type Haggler struct{ Site }

// NullWithNull is TLS_NULL_WITH_NULL_NULL (RFC 5246 appendix A.5), the one registered suite
// without integrity; there is none that encrypts and has no integrity.
const NullWithNull uint16 = 0x0000

// Offer offers nothing but the given suites, up to TLS 1.2, and tells which was agreed to.
// An attempt that was answered in another way was refused.
func (h *Haggler) Offer(ctx context.Context, door script.Door, suites ...uint16) (suite uint16, agreed bool, a Attempt) {
	a = Attempt{What: fmt.Sprintf("a ClientHello with the suites %04x", suites), Door: door}
	hello, err := clientHello(suites)
	if err != nil {
		a.Err = err
		return 0, false, a
	}
	ctx, cancel := context.WithTimeout(ctx, h.Patience)
	defer cancel()
	conn, hangUp, err := (&Replayer{Site: h.Site, Door: door}).raw(ctx)
	if err != nil {
		a.Err = err
		return 0, false, a
	}
	defer hangUp()
	if deadline, ok := ctx.Deadline(); ok {
		if a.Err = conn.SetDeadline(deadline); a.Err != nil {
			return 0, false, a
		}
	}
	if _, a.Err = conn.Write(hello); a.Err != nil {
		return 0, false, a
	}
	a.Sent = true
	answer := make([]byte, maxPiece)
	n, err := conn.Read(answer)
	if err != nil {
		a.Ended, a.Err = ctx.Err() == nil, err
		return 0, false, a
	}
	suite, agreed = serverHello(answer[:n])
	a.Ended = !agreed // with an alert
	return suite, agreed, a
}

// The parts of a handshake (RFC 5246 section 7.4).
const (
	recordHandshake     = 22
	handshakeHello      = 1
	handshakeHelloReply = 2
	helloRandom         = 32
)

// helloExtensions are the curves, point formats and signatures that everybody has (RFC 8422
// section 5.1, RFC 5246 section 7.4.1.4.1): without them a suite may be refused for another
// reason than itself.
var helloExtensions = []byte{
	0, 10, 0, 6, 0, 4, 0, 29, 0, 23, // x25519, secp256r1
	0, 11, 0, 2, 1, 0, // uncompressed
	0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1, // ECDSA, RSA-PSS and RSA with SHA-256
}

// clientHello is a TLS 1.2 ClientHello (RFC 5246 section 7.4.1.2).
func clientHello(suites []uint16) ([]byte, error) {
	random := make([]byte, helloRandom)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("%s: system randomness: %w", Name, err)
	}
	body := append([]byte{3, 3}, random...)
	body = append(body, 0) // no session
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(suites)))
	for _, s := range suites {
		body = binary.BigEndian.AppendUint16(body, s)
	}
	body = append(body, 1, 0) // no compression
	body = binary.BigEndian.AppendUint16(body, uint16(len(helloExtensions)))
	body = append(body, helloExtensions...)
	message := append([]byte{handshakeHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{recordHandshake, 3, 1, byte(len(message) >> 8), byte(len(message))}, message...), nil
}

// serverHello tells which suite a ServerHello chooses, if b is one.
func serverHello(b []byte) (suite uint16, ok bool) {
	const session = tlsHeader + 4 + 2 + helloRandom // where its length is
	if len(b) <= session || b[0] != recordHandshake || b[tlsHeader] != handshakeHelloReply {
		return 0, false
	}
	at := session + 1 + int(b[session])
	if len(b) < at+2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b[at:]), true
}
