// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// FuzzElement takes the input as what a registrar says to a secured pool element. Whatever it
// says, the element registers itself only, at its own address, acknowledges only keep-alives for
// itself and no more than it got, and says nothing that an element may not say.
func FuzzElement(data []byte) int {
	return attend(data, poolelement.NewDefences(), func(l *link) association.Association { return l })
}

const elementPEID = wire.PEID(0x00c0ffee)

// home is the registrar of an element, as its association shows it.
var home = speaker{identity: "alice", protocol: wire.ASAP, host: netip.MustParseAddr("192.0.2.9")}

// errOneCall ends the calls of an element or user whose association has ended.
var errOneCall = errors.New("the registrar takes one call")

// attendance is an element and what it may say.
type attendance struct {
	link       *link
	keepAlives int
	acks       int
}

// attend answers an element over an association that around may put something around.
func attend(data []byte, defences poolelement.Defences, around func(*link) association.Association) int {
	d := &decisions{data}
	a := attendance{link: newLink(home)}
	calls := make(chan *link, 1)
	calls <- a.link
	e, err := poolelement.Start(context.Background(), poolelement.Config{
		Identity: "alice", Key: []byte("a key of 32 octets for pe-alice!"), Defences: &defences,
		Registrars: []poolelement.Registrar{{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(home.host, wire.PortASAPTLS)}},
		Pools:      []poolelement.Pool{{Handle: wire.PoolHandle(sharedPool), ID: elementPEID, Policy: wire.Policy{Type: wire.RoundRobin}, Life: 300}},
		Local:      registrarDoor.Addr(),
		Timers:     poolelement.Timers{ServerHunt: farOff, Registration: farOff, Deregistration: farOff},
		Dial: func(ctx context.Context, _ poolelement.Registrar) (association.Association, error) {
			select {
			case l := <-calls:
				return around(l), nil
			default:
				return nil, errOneCall
			}
		},
	})
	if err != nil {
		panic(err)
	}
	defer func() {
		_ = a.link.Abort("end of input")
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // there is nobody to wait for
		if err := e.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
			panic(fmt.Sprintf("element does not end: %v", err))
		}
	}()
	if !a.link.settled() {
		return 0
	}
	kept := 0
	for range maxMessages {
		if !d.more() || !a.say(d) {
			break
		}
		if a.check() {
			kept = 1
		}
	}
	return kept
}

// say gives the element a message of the input; false when the association has ended.
func (a *attendance) say(d *decisions) bool {
	choice := d.octet()
	var payload []byte
	if choice%8 == 0 {
		payload = d.take(int(d.number() % 1024))
	} else {
		payload = encoded(fromRegistrar(d))
	}
	if m, err := wire.Decode(wire.ASAP, payload, nil); err == nil {
		if k, ok := m.(*wire.EndpointKeepAlive); ok && string(k.PoolHandle) == sharedPool {
			a.keepAlives++
		}
	}
	return a.link.give(association.Message{Payload: payload, PPID: wire.PPIDASAP})
}

// fromRegistrar decides for a message that a registrar sends, or should not.
func fromRegistrar(d *decisions) wire.Message {
	handle, id := wire.PoolHandle(pick(d, siegeHandles)), pick(d, []wire.PEID{elementPEID, elementPEID, honestID, 0})
	switch d.octet() % 8 {
	case 0, 1:
		return &wire.RegistrationResponse{PoolHandle: handle, PEID: id, Reject: d.octet()%3 == 0}
	case 2:
		return &wire.DeregistrationResponse{PoolHandle: handle, PEID: id}
	case 3, 4, 5:
		return &wire.EndpointKeepAlive{NewHome: d.octet()%2 == 0, Server: pick(d, siegeServers), PoolHandle: handle}
	case 6:
		return &wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseCode(d.octet() % 12)}}}
	}
	return anyRequest(d)
}

// check checks what the element has said. It tells whether it said anything.
func (a *attendance) check() bool {
	said := a.link.said()
	for _, out := range said {
		m, err := wire.Decode(wire.ASAP, out.Payload, nil)
		if err != nil || out.PPID != wire.PPIDASAP && out.PPID != 0 {
			panic(fmt.Sprintf("the element says what is no message: %x, %v", out.Payload, err))
		}
		switch m := m.(type) {
		case *wire.Registration:
			e := &m.Element
			if string(m.PoolHandle) != sharedPool || e.ID != elementPEID || slices.ContainsFunc(e.User.Addrs, func(x netip.Addr) bool { return x != registrarDoor.Addr() }) {
				panic(fmt.Sprintf("the element registers what it is not: %+v", m))
			}
		case *wire.EndpointKeepAliveAck:
			if a.acks++; string(m.PoolHandle) != sharedPool || m.PEID != elementPEID || a.acks > a.keepAlives {
				panic(fmt.Sprintf("the element acknowledges what it was not asked: %+v, %d of %d", m, a.acks, a.keepAlives))
			}
		case *wire.Deregistration, *wire.ASAPError:
		default:
			panic(fmt.Sprintf("the element says %s", m.Name()))
		}
	}
	return len(said) > 0
}
