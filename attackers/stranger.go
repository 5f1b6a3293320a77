// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Stranger is a node without any credential (draft sections 2.1 to 2.3, 2.15). It comes in
// every way that does not need one: in clear to the clear doors and to the TLS doors, with
// a key of its own making, with a handshake that it breaks off, and over TLS without a key.
type Stranger struct{ Site }

// KnownIdentity is what a stranger may have heard: identities travel in clear in TLS-PSK.
type KnownIdentity string

// Everything tries the messages in every way. The attempts are in the order of the ways, so
// that each message is tried in each way.
func (s *Stranger) Everything(ctx context.Context, identity KnownIdentity, messages ...wire.Message) ([]Attempt, error) {
	var all []Attempt
	for _, door := range s.Clear(wire.ASAP) {
		all = append(all, s.InClear(ctx, door, messages...)...)
	}
	for _, door := range s.Secured(wire.ASAP) {
		all = append(all, s.InClear(ctx, door, messages...)...)
		all = append(all, s.Anonymous(ctx, door, messages...)...)
		all = append(all, s.BrokenOff(ctx, door, identity, messages...)...)
		guessed, err := s.GuessedKey(ctx, door, identity, messages...)
		if err != nil {
			return all, err
		}
		all = append(all, guessed...)
	}
	if len(all) == 0 {
		return nil, ErrNoDoor
	}
	return all, nil
}

// InClear speaks without TLS, also to doors that want it.
func (s *Stranger) InClear(ctx context.Context, door script.Door, messages ...wire.Message) []Attempt {
	how := "in clear"
	if door.Secured {
		how = "in clear to the TLS port"
	}
	return s.each(ctx, how, door, func() *tlspsk.Config { return nil }, messages)
}

// Sequence sends all messages over one association in clear, for those that only mean
// something behind others.
func (s *Stranger) Sequence(ctx context.Context, door script.Door, messages ...wire.Message) []Attempt {
	return s.try(ctx, "in clear", s.options(Name, door, nil), messages...)
}

// Anonymous comes over TLS without a key, as a pool user does, whatever certificate the
// far end shows.
func (s *Stranger) Anonymous(ctx context.Context, door script.Door, messages ...wire.Message) []Attempt {
	return s.each(ctx, "over TLS without a key", door, func() *tlspsk.Config {
		return AnyCertificate()
	}, messages)
}

// AnyCertificate is the TLS of a node that has no key and does not care who answers.
func AnyCertificate() *tlspsk.Config {
	return &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
}

// GuessedKey comes with a known identity and a key that is not its own, and with an
// identity that nobody has.
func (s *Stranger) GuessedKey(ctx context.Context, door script.Door, identity KnownIdentity, messages ...wire.Message) ([]Attempt, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("guess a key: %w", err)
	}
	var all []Attempt
	for _, name := range []string{string(identity), "rspthreat-nobody"} {
		if name == "" {
			continue
		}
		all = append(all, s.each(ctx, fmt.Sprintf("as %q with a guessed key", name), door, func() *tlspsk.Config {
			return &tlspsk.Config{PSKIdentity: name, PSKKey: append([]byte(nil), key...)}
		}, messages)...)
	}
	return all, nil
}

// BrokenOff begins a handshake and then speaks in clear on the same association, as if the
// handshake had been done.
func (s *Stranger) BrokenOff(ctx context.Context, door script.Door, identity KnownIdentity, messages ...wire.Message) []Attempt {
	var all []Attempt
	for _, m := range messages {
		all = append(all, s.breakOff(ctx, door, identity, m))
	}
	return all
}

func (s *Stranger) breakOff(ctx context.Context, door script.Door, identity KnownIdentity, m wire.Message) Attempt {
	a := Attempt{What: m.Name() + " after a handshake that was broken off", Door: door}
	dialect := s.dialect()
	payload, err := m.Append(nil, &dialect)
	if err != nil {
		a.Err = err
		return a
	}
	if identity == "" {
		identity = "rspthreat-nobody"
	}
	// The handshake cannot succeed, with a key of zeros; what follows the ClientHello is
	// replaced by the message.
	o := s.options(Name, door, &tlspsk.Config{PSKIdentity: string(identity), PSKKey: make([]byte, 32)})
	var sent atomic.Bool
	o.Wrap = func(raw net.Conn) net.Conn { return &interrupted{Conn: raw, payload: payload, sent: &sent} }
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	n, err := script.Open(ctx, o)
	if err == nil {
		n.Abort()
	}
	a.Sent, a.Err = sent.Load(), err
	a.Ended = a.Sent && ctx.Err() == nil // without a context that has ended, the far end broke it off
	return a
}

// interrupted lets the first write through, the ClientHello, and then sends the payload.
type interrupted struct {
	net.Conn
	payload []byte
	sent    *atomic.Bool
}

// Write sends b, and after the first one the payload.
func (c *interrupted) Write(b []byte) (int, error) {
	if c.sent.Load() {
		return len(b), nil // the rest of the handshake is not sent
	}
	n, err := c.Conn.Write(b)
	if err != nil {
		return n, err
	}
	if _, err := c.Conn.Write(c.payload); err != nil {
		return n, err
	}
	c.sent.Store(true)
	return n, nil
}

// each makes one association for each message: an implementation that ends it after the
// first would otherwise never see the others.
func (s *Stranger) each(ctx context.Context, how string, door script.Door, config func() *tlspsk.Config, messages []wire.Message) []Attempt {
	var all []Attempt
	for _, m := range messages {
		all = append(all, s.try(ctx, how, s.options(Name, door, config()), m)...)
	}
	return all
}
