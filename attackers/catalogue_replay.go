// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// runEarlyBird registers with early data, as its key allows, and plays that back as who has
// listened to it.
func runEarlyBird(ctx context.Context, o *Order) error {
	if err := o.needs("--identity and --psk-file", o.Key != nil, "--pool", o.Pool != ""); err != nil {
		return err
	}
	registration, err := wire.Encode(o.requests()[0])
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotMade, err)
	}
	var all []Attempt
	err = fmt.Errorf("%w: there is no door of asap under TLS", ErrNotMade)
	reached := false
	for _, door := range o.sessions() {
		r := &Replayer{Site: o.Site, Door: door}
		var flight [][]byte
		var taken bool
		flight, taken, err = r.EarlyData(ctx, o.psk(), registration)
		o.Say(fmt.Sprintf("early data was %s at %s%s", map[bool]string{true: "taken", false: "not taken"}[taken], door, because(err)))
		reached = reached || !errors.Is(err, ErrNotMade)
		if taken {
			all = append(all, r.Replay(ctx, "early data", flight))
		}
	}
	switch {
	case !reached:
		return err
	case len(all) == 0:
		return nil // refused, which is an answer
	default:
		return o.tell(all, nil)
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// runParrot has a session with the target, and then stands at o.Listen for o.For and says to
// others what it was told.
func runParrot(ctx context.Context, o *Order) error {
	place, err := o.trap()
	if err != nil {
		return err
	}
	tape, err := o.overhear(ctx)
	if err != nil {
		return fmt.Errorf("%w: a session to repeat: %w", ErrNotMade, err)
	}
	r, err := (&Parrot{Site: o.Site, Pieces: tape.pieces()}).Stand(ctx, place)
	if err != nil {
		return err
	}
	defer r.Close()
	o.Say(fmt.Sprintf("repeating %d octets of the target at %s for %s", tape.length(), o.Listen, o.For))
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	<-ctx.Done()
	for _, m := range r.Heard() {
		o.Say("it was told " + m.Name())
	}
	if r.Attempts() == 0 {
		return fmt.Errorf("%w: nobody came", ErrNotMade)
	}
	o.Say(fmt.Sprintf("%d came", r.Attempts()))
	return nil
}

// overhear has a session of its own with the target over TCP, and keeps what the target says.
func (o *Order) overhear(ctx context.Context) (*heardTape, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Patience)
	defer cancel()
	tape := &heardTape{}
	for _, door := range o.sessions() {
		if door.Transport.IsSCTP() {
			continue
		}
		s := o.spoofer(door)
		options := s.options(Name+" "+s.Who, door, s.config())
		options.Wrap = func(raw net.Conn) net.Conn { return heardPath{raw, tape} }
		n, err := script.Open(ctx, options)
		if err != nil {
			return nil, err
		}
		defer n.Close(ctx)
		_, err = n.Request(ctx, o.requests()[0], func(wire.Message) bool { return true })
		return tape, err
	}
	return nil, ErrNoDoor
}

// heardTape is what the far end of a session has said, below TLS.
type heardTape struct {
	mu   sync.Mutex
	said [][]byte
}

func (t *heardTape) pieces() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([][]byte(nil), t.said...)
}

func (t *heardTape) length() (octets int) {
	for _, piece := range t.pieces() {
		octets += len(piece)
	}
	return octets
}

type heardPath struct {
	net.Conn
	tape *heardTape
}

// Read keeps what was said.
func (p heardPath) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.tape.mu.Lock()
		p.tape.said = append(p.tape.said, bytes.Clone(b[:n]))
		p.tape.mu.Unlock()
	}
	return n, err
}
