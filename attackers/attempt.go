// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Name is what reports call an attacker.
const Name = "attacker"

// Site is what an attacker knows of the system that it attacks, and where it stands.
type Site struct {
	Doors    []script.Door
	Local    func() netip.Addr // an address for the next association
	Recorder script.Recorder
	Wire     wire.Options
	// Patience is how long the attacker waits for an answer before it takes the silence
	// for one. It is as long as an honest node would wait.
	Patience time.Duration
	Company  *Company // keeps the associations open for the oracles
}

// Attempt is one thing that an attacker tried.
type Attempt struct {
	What   string      // "REGISTRATION with an unknown identity"
	Door   script.Door // where
	Sent   bool        // the message left the attacker over an open association
	Answer wire.Message
	Ended  bool  // the far end ended the association
	Err    error // why the association could not be opened, or how it ended
}

// Reached tells whether the far end had a part in the attempt: the message got there, or the
// far end refused the association. Where not even that can be said, the attack may never
// have left the attacker.
func (a Attempt) Reached() bool {
	var alert *tlspsk.AlertError
	return a.Sent || a.Answer != nil || a.Ended || errors.Is(a.Err, association.ErrAborted) || errors.As(a.Err, &alert)
}

// Unsaid returns those of the messages that attempts, one for each, did not get out.
func Unsaid(attempts []Attempt, messages []wire.Message) (left []wire.Message) {
	for n, m := range messages {
		if n >= len(attempts) || !attempts[n].Sent {
			left = append(left, m)
		}
	}
	return left
}

// String tells the attempt and what came of it, in a sentence.
func (a Attempt) String() string {
	at := fmt.Sprintf("%s at %s: ", a.What, a.Door)
	switch {
	case a.Answer != nil:
		return at + "answered with " + Describe(a.Answer)
	case !a.Sent && a.Err != nil:
		return at + "kept out: " + a.Err.Error()
	case !a.Sent:
		return at + "nothing was sent"
	case a.Ended:
		return at + "the association was ended"
	default:
		return at + "no answer"
	}
}

// ErrNoDoor says that there is no door to make an attempt at.
var ErrNoDoor = errors.New("no door to attack")

func (s *Site) options(name string, door script.Door, config *tlspsk.Config) script.Options {
	return script.Options{
		Name: name, Peer: "registrar", Hostile: true, Door: door, Local: s.Local(),
		TLS: config, Wire: s.dialect(), Recorder: s.Recorder,
	}
}

// dialect is what the attacker speaks: that of the system under test, and also the message
// that it refuses.
func (s *Site) dialect() wire.Options {
	o := s.Wire
	o.NoBusinessCard = false
	return o
}

// Secured returns the doors that speak protocol over TLS.
func (s Site) Secured(protocol wire.Protocol) []script.Door { return s.find(protocol, true) }

// Clear returns the doors that speak protocol in clear over an association.
func (s Site) Clear(protocol wire.Protocol) []script.Door { return s.find(protocol, false) }

func (s Site) find(protocol wire.Protocol, secured bool) []script.Door {
	var doors []script.Door
	for _, d := range s.Doors {
		if d.Protocol == protocol && d.Secured == secured && d.Transport != association.UDP {
			doors = append(doors, d)
		}
	}
	return doors
}

// try opens an association with o and makes each of the messages an attempt of its own.
func (s *Site) try(ctx context.Context, how string, o script.Options, messages ...wire.Message) []Attempt {
	opening, cancel := context.WithTimeout(ctx, s.Patience)
	n, err := script.Open(opening, o)
	cancel()
	attempts := make([]Attempt, 0, len(messages))
	if err != nil {
		for _, m := range messages {
			attempts = append(attempts, Attempt{What: m.Name() + " " + how, Door: o.Door, Err: err})
		}
		return attempts
	}
	s.Company.Stay(n.Abort)
	for _, m := range messages {
		a := s.say(ctx, n, m)
		a.What += " " + how
		attempts = append(attempts, a)
	}
	return attempts
}

// say sends m and waits until it is answered, the association ends, or, where the protocol
// has no answer, until a question asked behind it is answered: then m has been dealt with.
func (s *Site) say(ctx context.Context, n *script.Node, m wire.Message) Attempt {
	a := Attempt{What: m.Name(), Door: n.Door()}
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	if a.Err = n.Send(ctx, m); a.Err != nil {
		a.Ended = ended(a.Err)
		return a
	}
	a.Sent = true
	if !answered(m) || m.Protocol() != a.Door.Protocol {
		if a.Err = n.Send(ctx, question(a.Door.Protocol)); a.Err != nil {
			a.Ended = ended(a.Err)
			return a
		}
	}
	answer, err := n.Await(ctx, func(m wire.Message) bool {
		_, unasked := m.(*wire.EndpointKeepAlive) // a registrar sends it whenever it likes
		return !unasked
	})
	switch {
	case err == nil:
		a.Answer = answer
	case errors.Is(err, script.ErrEnded):
		a.Ended, a.Err = true, err
	}
	return a
}

// ended tells whether a message could not be sent because the far end had ended the
// association; the node's reader may not have got that far yet.
func ended(err error) bool {
	return errors.Is(err, association.ErrClosed) || errors.Is(err, association.ErrAborted)
}

// answered tells whether RFC 5352 or 5353 has an answer to m.
func answered(m wire.Message) bool {
	switch m := m.(type) {
	case *wire.Registration, *wire.Deregistration, *wire.HandleResolution,
		*wire.HandleTableRequest, *wire.ListRequest, *wire.InitTakeover:
		return true
	case *wire.Presence:
		return m.ReplyRequired
	default:
		return false
	}
}

// Probe is the pool that attackers ask for behind a message without an answer; it exists
// nowhere.
const Probe = "rspthreat-probe"

// question is one that a door of protocol has an answer to.
func question(protocol wire.Protocol) wire.Message {
	if protocol == wire.ENRP {
		return &wire.ListRequest{Sender: RogueServer}
	}
	return &wire.HandleResolution{PoolHandle: []byte(Probe)}
}

// RogueServer is the server ID under which attackers speak ENRP.
const RogueServer = wire.ServerID(0x0badc0de)
