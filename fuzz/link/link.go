// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// readQueue is how many answers an association holds before the transport stops the system: more
// than one flight has.
const readQueue = 1024

// Link is one association. It is used by one goroutine.
type Link struct {
	Caller conversation.Caller
	Values conversation.Values
	// Question is the honest question that the system answers here.
	Question Question

	system  *System
	assoc   association.Association
	witness *Link // of a UDP door: what is asked instead
	nonce   uint32
	self    wire.ServerID   // ENRP: the server that the association speaks for
	selves  []wire.ServerID // ENRP: the senders that were named
	broken  bool
	loose   []Payload
	// subscribed says that changes of a pool may be told at any time.
	subscribed bool
	batch      []byte
	ended      error
}

// Open sets an association up. Victim is the identifier of the honest element.
func (s *System) Open(ctx context.Context, c conversation.Caller, known conversation.Values, evidence Evidence) (*Link, error) {
	if c.Transport == association.UDP {
		return s.openDatagrams(ctx, c, known, evidence)
	}
	d, to, err := s.dialer(c, evidence)
	if err != nil {
		return nil, err
	}
	a, err := d.Dial(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", c, to, err)
	}
	known.Address = a.Info().Local.Addr().Unmap()
	s.own.Store(known.Address, nil)
	return &Link{Caller: c, Values: known, system: s, assoc: a, Question: firstQuestion(s.Secured, c)}, nil
}

// Ended tells why the association has ended, nil while it goes on.
func (l *Link) Ended() error { return l.ended }

// Abort ends the association at once.
func (l *Link) Abort() {
	if l.witness != nil {
		l.witness.Abort()
	}
	_ = l.assoc.Abort("done") // it is given up either way
	if l.ended == nil {
		l.ended = association.ErrClosed
	}
}

// Close ends the association gracefully, within the time that the system has for an answer.
func (l *Link) Close(ctx context.Context) error {
	if l.witness != nil {
		l.witness.Abort() // it has said nothing that has to arrive
	}
	ctx, cancel := context.WithTimeout(ctx, l.system.Response)
	defer cancel()
	err := l.assoc.Close(ctx)
	if err != nil {
		_ = l.assoc.Abort("closing")
	}
	l.ended = association.ErrClosed
	return err
}

// stream tells whether messages follow each other in a stream of octets, as they do under TLS on
// SCTP too, so that a length that is not the message's own also changes what comes after it.
func stream(c conversation.Caller) bool { return c.Transport == association.TCP || c.Secured }

// Breaks tells whether the message would have what comes after it on the association taken for
// something else.
func Breaks(c conversation.Caller, b []byte) bool {
	if !stream(c) || len(b) == 0 {
		return false
	}
	const word = 4
	return len(b) < wire.HeaderLength || (int(binary.BigEndian.Uint16(b[2:]))+word-1)/word != (len(b)+word-1)/word
}

// Sent returns a message as it is sent: in a stream nothing ends between words.
func Sent(c conversation.Caller, b []byte) []byte {
	if stream(c) {
		for len(b)%4 != 0 {
			b = append(b[:len(b):len(b)], 0)
		}
	}
	return b
}

// subscribes tells whether a message asks to be told changes (RFC 5352 section 2.2.5, flag S).
func subscribes(c conversation.Caller, b []byte) bool {
	return c.Protocol == wire.ASAP && len(b) > 1 && b[0] == wire.TypeHandleResolution && b[1]&1 != 0
}

// maxLoose bounds what is remembered of other streams.
const maxLoose = 32

// Loose returns what was sent last on other streams than the questions: its answers may come after
// theirs.
func (l *Link) Loose() []Payload { return l.loose }

// Broken tells whether such a message was sent: nothing that follows is understood.
func (l *Link) Broken() bool { return l.broken }

// Group is what is sent between two questions.
type Group struct {
	Payloads []Payload
}

// Payload is one message of a group, placeholders included.
type Payload struct {
	Octets []byte
	PPID   uint32
	Stream uint16
}

// maxFlight bounds the octets of one flight, so that neither side waits for the other to read.
const maxFlight = 24 << 10

// Exchange sends the groups, each followed by the question, and collects what is answered until
// every question is, the association ends, or the time is over that the system has for an answer.
func (l *Link) Exchange(ctx context.Context, groups []Group, results []Result) []Result {
	results = append(results[:0], make([]Result, len(groups))...)
	if l.witness != nil {
		return l.testify(ctx, groups, results)
	}
	asked := make([]asked, len(groups))
	if err := l.send(ctx, groups, asked); err != nil {
		l.ended = err
	}
	l.collect(ctx, asked, results)
	return results
}

func (l *Link) send(ctx context.Context, groups []Group, asked []asked) error {
	ctx, cancel := context.WithTimeout(ctx, l.system.Response)
	defer cancel()
	l.batch = l.batch[:0]
	for i := range groups {
		for _, p := range groups[i].Payloads {
			if len(p.Octets) == 0 {
				continue
			}
			l.speakFor(p.Octets)
			l.subscribed = l.subscribed || subscribes(l.Caller, p.Octets)
			if p.Stream != 0 {
				l.loose = append(l.loose[max(0, len(l.loose)+1-maxLoose):], p)
			}
			l.broken = l.broken || Breaks(l.Caller, p.Octets)
			if err := l.put(ctx, p); err != nil {
				return err
			}
		}
		q := l.ask(groups[i].Payloads)
		asked[i] = q
		if q.payload != nil {
			if err := l.put(ctx, Payload{Octets: q.payload}); err != nil {
				return err
			}
		}
	}
	return l.flush(ctx)
}

// put adds a message to the flight, or sends it where each is one of its own.
func (l *Link) put(ctx context.Context, p Payload) error {
	if !stream(l.Caller) {
		octets := l.Values.Fill(make([]byte, 0, len(p.Octets)), p.Octets)
		return l.assoc.Send(ctx, association.Message{Payload: octets, PPID: p.PPID, Stream: p.Stream})
	}
	if len(l.batch)+len(p.Octets) > maxFlight {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	at := len(l.batch)
	l.batch = l.Values.Fill(l.batch, p.Octets)
	for (len(l.batch)-at)%4 != 0 { // in a stream nothing ends between words
		l.batch = append(l.batch, 0)
	}
	return nil
}

func (l *Link) flush(ctx context.Context) error {
	if len(l.batch) == 0 {
		return nil
	}
	err := l.assoc.Send(ctx, association.Message{Payload: l.batch})
	l.batch = l.batch[:0]
	return err
}
