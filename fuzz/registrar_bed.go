// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// holder is whose element it is, and whether its life may end before the input does.
type holder struct {
	speaker speaker
	mortal  bool
}

// bed is a registrar with an honest element, two speakers, and what has been granted to them.
type bed struct {
	registrar *registrar.Registrar
	serving   sync.WaitGroup
	honest    *link
	links     [2]*link
	holders   map[elementName]holder
	mortal    bool // an element may expire at any time
	peer      bool // a speaker is a registrar, which may move elements to itself
	answered  int  // octets
}

// farOff is above the time that any input takes: no protocol timer runs out. It is not more, since
// timers that are still set may keep a registrar in memory after it was closed.
const farOff = 15 * time.Second

// siegeTimers returns timers that do not run out.
func siegeTimers() registrar.Timers {
	return registrar.Timers{
		KeepAlive: 2 * farOff /* half of it at least */, KeepAliveTimeout: farOff, KeepAliveSpacing: farOff, TableSession: farOff,
		PeerHeartbeat: farOff, MaxTimeLastHeard: farOff, MaxTimeNoResponse: farOff, PeerRedial: farOff, ClaimSpacing: farOff,
	}
}

// siegeLimits keeps the handlespace so small that inputs reach its limits.
func siegeLimits() registrar.Limits {
	l := registrar.DefaultLimits()
	l.MaxPools, l.MaxElements, l.MaxPerOwner = 3, 6, 3
	l.SendQueue = 4 * maxMessages // no speaker reads slowly
	return l
}

func newBed(defences *registrar.Defences, speakers [2]speaker) *bed {
	r, err := registrar.New(registrar.Config{
		ServerID: registrarID, Keys: keyring(), Defences: defences, Limits: siegeLimits(), Rand: rand.New(rand.NewPCG(0, 0)),
		Timers: siegeTimers(),
	})
	if err != nil {
		panic(err)
	}
	b := &bed{registrar: r, holders: map[elementName]holder{}, peer: speakers[0].isPeer() || speakers[1].isPeer()}
	b.honest = b.connect(honest)
	name := elementName{sharedPool, honestID}
	answer, err := askRegistrar[*wire.RegistrationResponse](b, b.honest, &wire.Registration{PoolHandle: wire.PoolHandle(name.handle), Element: honestElement})
	if err != nil || answer.Reject {
		panic(fmt.Sprintf("an honest element cannot register: %+v, %v", answer, err))
	}
	b.holders[name] = holder{speaker: honest}
	for i := range b.links {
		b.links[i] = b.connect(speakers[i])
	}
	return b
}

func (b *bed) connect(s speaker) *link {
	l := newLink(s)
	b.serving.Go(func() { b.registrar.Serve(context.Background(), l, s.protocol) })
	l.settled()
	return l
}

// close ends everything and checks what the speakers were told.
func (b *bed) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.registrar.Close(ctx); err != nil {
		panic(fmt.Sprintf("registrar does not end: %v", err))
	}
	b.serving.Wait()
	for _, l := range b.links {
		b.checkAnswers(l)
	}
}

// say gives a message to the registrar, and checks what that has changed. It tells whether the
// message changed anything.
func (b *bed) say(from *link, payload []byte, ppid uint32) bool {
	m, err := wire.Decode(from.speaker.protocol, payload, nil)
	if err != nil || ppid != from.speaker.protocol.PPID() {
		m = nil
	}
	if u, ok := m.(*wire.HandleUpdate); ok {
		b.mortal = b.mortal || mortal(&u.Element)
	}
	before := b.registrar.Stats()
	from.give(association.Message{Payload: payload, PPID: ppid})
	after := b.registrar.Stats()
	if after.Registered > before.Registered {
		b.registered(from.speaker, m)
	}
	if after.Removed > before.Removed && (!b.mortal || b.byHolder(from.speaker, m)) {
		b.removed(from.speaker, m)
	}
	b.checkAnswers(from)
	return after.Registered > before.Registered
}

// registered checks that what was granted was right, and takes note of it.
func (b *bed) registered(s speaker, message wire.Message) {
	m, ok := message.(*wire.Registration)
	if !ok {
		panic(fmt.Sprintf("%q registered an element by %v", s.identity, message))
	}
	name := elementName{string(m.PoolHandle), m.Element.ID}
	if !s.mayJoin(name.handle) {
		panic(fmt.Sprintf("%q may not register in pool %q and did", s.identity, name.handle))
	}
	if before, ok := b.holders[name]; ok && before.speaker.identity != s.identity && !before.mortal && !b.peer {
		panic(fmt.Sprintf("%q took over an element of %q", s.identity, before.speaker.identity))
	}
	b.checkAddresses(s, &m.Element)
	h := holder{s, mortal(&m.Element)}
	b.mortal = b.mortal || h.mortal
	b.holders[name] = h
}

// mortal tells whether the element's life may end before the input does.
func mortal(e *wire.PoolElement) bool {
	return e.Life >= 0 && time.Duration(e.Life)*time.Second < farOff
}

// byHolder tells whether the speaker wants to remove an element of its own. While elements may
// expire at any time, only then is it known which one is gone.
func (b *bed) byHolder(s speaker, message wire.Message) bool {
	m, ok := message.(*wire.Deregistration)
	if !ok {
		return false
	}
	h, held := b.holders[elementName{string(m.PoolHandle), m.PEID}]
	return held && h.speaker.identity == s.identity
}

// removed checks that an element was removed at the request of its owner.
func (b *bed) removed(s speaker, message wire.Message) {
	m, ok := message.(*wire.Deregistration)
	if !ok {
		panic(fmt.Sprintf("%q removed an element by %v", s.identity, message))
	}
	name := elementName{string(m.PoolHandle), m.PEID}
	if h, ok := b.holders[name]; !s.mayJoin(name.handle) || ok && h.speaker.identity != s.identity && !b.peer {
		panic(fmt.Sprintf("%q removed an element of %q", s.identity, h.speaker.identity))
	}
	delete(b.holders, name)
}

func (b *bed) checkAddresses(s speaker, e *wire.PoolElement) {
	for _, a := range slices.Concat(e.User.Addrs, e.ASAP.Addrs) {
		if a.Unmap() != s.host {
			panic(fmt.Sprintf("an element of %q has address %v, which is not its own", s.identity, a))
		}
	}
}

// maxAnswers is above what a speaker can be told in one input: an answer a message, and for a
// registrar an announcement for each of the other's.
const maxAnswers = 3 * maxMessages * (wire.MaxMessageLength + 1)

// checkAnswers checks that what was said to the speaker was proper.
func (b *bed) checkAnswers(l *link) {
	for _, answer := range l.said() {
		m, err := wire.Decode(l.speaker.protocol, answer.Payload, nil)
		if err != nil || answer.PPID != l.speaker.protocol.PPID() {
			panic(fmt.Sprintf("the registrar says what is no message: %x, %v", answer.Payload, err))
		}
		if l.speaker.clear && m.Protocol() == wire.ENRP {
			panic(fmt.Sprintf("the registrar answers ENRP in clear: %s", m.Name()))
		}
		if b.answered += len(answer.Payload); b.answered > maxAnswers {
			panic(fmt.Sprintf("the registrar answers without end: %d octets", b.answered))
		}
	}
}
