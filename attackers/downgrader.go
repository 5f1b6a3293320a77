// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Downgrader is a node where users and elements look for a registrar that answers every ClientHello with
// a cipher suite of its own choice, which protects nothing (draft sections 2.10 and 2.11),
// whether or not it was offered. It goes no further than what the user makes of it.
type Downgrader struct {
	*script.Station
	hello [][]byte // the records that it answers with, each a message of its own (RFC 3436 section 6)

	mu      sync.Mutex
	met     []Downgraded
	changed chan struct{} // closed and replaced when met grows
}

// Suites without encryption (RFC 5246 appendix A.5, RFC 8422 section 6).
const (
	NullSHA256 uint16 = 0x003b // TLS_RSA_WITH_NULL_SHA256
	NullECDSA  uint16 = 0xc006 // TLS_ECDHE_ECDSA_WITH_NULL_SHA
)

// Downgraded is what a user did about the suite that was chosen for it.
type Downgraded struct {
	GoesOn bool   // it sent more of the handshake
	Answer string // what it did, in a few words
}

// Downgrade opens the door and chooses suite for whoever comes, peer as reports show it. chain
// is what it shows, DER: the certificate of the registrar, which anybody can have; nil is none.
func Downgrade(ctx context.Context, door script.Door, suite uint16, chain [][]byte, peer string, recorder script.Recorder) (*Downgrader, error) {
	random := make([]byte, helloRandom)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("%s: system randomness: %w", Name, err)
	}
	d := &Downgrader{changed: make(chan struct{})}
	hello := append([]byte{3, 3}, random...)
	hello = append(hello, 0, byte(suite>>8), byte(suite), 0) // no session, no compression
	hello = append(hello, 0, 5, 0xff, 1, 0, 1, 0)            // secure renegotiation (RFC 5746), which some insist on
	d.hello = append(d.hello, handshakeRecord(handshakeHelloReply, hello))
	var certificates []byte
	for _, der := range chain {
		certificates = append(append(certificates, length24(len(der))...), der...)
	}
	if chain != nil { // without a key of its own, which a pre-shared one takes the place of
		d.hello = append(d.hello, handshakeRecord(handshakeCertificate, append(length24(len(certificates)), certificates...)))
	}
	d.hello = append(d.hello, handshakeRecord(handshakeDone, nil))
	door.Secured = false // it speaks TLS by itself
	var err error
	d.Station, err = script.Listen(ctx, script.StationOptions{
		Name: Name + " as a registrar", Peer: peer, Hostile: true, Recorder: recorder, Wire: wire.Strict(),
		Wrap: func(raw net.Conn) net.Conn { return &downgraded{Conn: raw, d: d} },
	}, door)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// More parts of a handshake (RFC 5246 section 7.4).
const (
	handshakeCertificate = 11
	handshakeDone        = 14
	recordAlert          = 21
)

func length24(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }

// handshakeRecord is one message of the handshake in a record of its own.
func handshakeRecord(kind byte, body []byte) []byte {
	message := append(append([]byte{kind}, length24(len(body))...), body...)
	return append([]byte{recordHandshake, 3, 3, byte(len(message) >> 8), byte(len(message))}, message...)
}

// Await waits for a user beyond the first known ones, and returns what it did.
func (d *Downgrader) Await(ctx context.Context, known int) (Downgraded, error) {
	for {
		d.mu.Lock()
		if len(d.met) > known {
			out := d.met[known]
			d.mu.Unlock()
			return out, nil
		}
		changed := d.changed
		d.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Downgraded{}, fmt.Errorf("%s: nobody has answered: %w", Name, ctx.Err())
		}
	}
}

func (d *Downgrader) meet(out Downgraded) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.met = append(d.met, out)
	close(d.changed)
	d.changed = make(chan struct{})
}

// downgraded holds the conversation below the association, which then has ended.
type downgraded struct {
	net.Conn
	d    *Downgrader
	over bool
}

// Read holds the conversation.
func (c *downgraded) Read([]byte) (int, error) {
	if c.over {
		return 0, io.EOF
	}
	c.over = true
	buffer := make([]byte, maxPiece)
	if _, err := c.Conn.Read(buffer); err != nil {
		return 0, io.EOF // it came and went without a word
	}
	for _, record := range c.d.hello {
		if _, err := c.Conn.Write(record); err != nil {
			break // it has left, or has had enough, which the next Read tells
		}
	}
	n, err := c.Conn.Read(buffer)
	switch {
	case err != nil || n == 0:
		c.d.meet(Downgraded{Answer: "it left"})
	case buffer[0] == recordAlert:
		c.d.meet(Downgraded{Answer: "it sent an alert"})
	default:
		c.d.meet(Downgraded{GoesOn: true, Answer: "it went on with the handshake"})
	}
	return 0, io.EOF
}
