// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// FuzzUser takes the input as what a registrar answers a pool user that resolves a pool. Whatever
// it answers, the user believes only elements that were told of that pool, and says nothing that a
// user may not say.
func FuzzUser(data []byte) int { return inform(data, pooluser.NewDefences(), nil) }

// inform answers a user; forge, if not nil, is what a bug makes of a resolution.
func inform(data []byte, defences pooluser.Defences, forge func(pooluser.Resolution) pooluser.Resolution) int {
	d := &decisions{data}
	l := newLink(speaker{protocol: wire.ASAP, host: home.host, clear: true})
	calls := make(chan *link, 1)
	calls <- l
	u, err := pooluser.New(context.Background(), pooluser.Config{
		Mode: pooluser.Clear, Servers: []pooluser.Server{{Transport: association.TCP, Addr: netip.AddrPortFrom(home.host, wire.PortASAP)}},
		Defences: &defences, Timers: pooluser.Timers{Request: farOff, Hunt: farOff},
		Dial: func(context.Context, pooluser.Target) (association.Association, error) {
			select {
			case l := <-calls:
				return l, nil
			default:
				return nil, errOneCall
			}
		},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var resolving sync.WaitGroup
	var got pooluser.Resolution
	answered := false
	resolving.Go(func() {
		r, err := u.Resolve(ctx, sharedPool)
		got, answered = r, err == nil
	})
	told := map[wire.PEID]bool{}
	if l.settled() {
		<-l.sent // the question
		for range maxMessages {
			if !d.more() || !answer(d, l, told) {
				break
			}
		}
	}
	cancel()
	resolving.Wait()
	_ = l.Abort("end of input")
	ended, end := context.WithCancel(context.Background())
	end()
	_ = u.Close(ended) // there is nobody to wait for
	if forge != nil {
		got = forge(got)
	}
	checkUser(l, &got, told)
	if answered {
		return 1
	}
	return 0
}

// answer gives the user a message of the input; false when the association has ended.
func answer(d *decisions, l *link, told map[wire.PEID]bool) bool {
	var payload []byte
	if d.octet()%8 == 0 {
		payload = d.take(int(d.number() % 1024))
	} else {
		payload = encoded(toUser(d))
	}
	if m, err := wire.Decode(wire.ASAP, payload, nil); err == nil {
		if r, ok := m.(*wire.HandleResolutionResponse); ok && string(r.PoolHandle) == sharedPool {
			for i := range r.Elements {
				told[r.Elements[i].ID] = true
			}
		}
	}
	return l.give(association.Message{Payload: payload, PPID: wire.PPIDASAP})
}

// toUser decides for an answer, to what was asked or not.
func toUser(d *decisions) wire.Message {
	r := &wire.HandleResolutionResponse{PoolHandle: wire.PoolHandle(pick(d, siegeHandles)), UpdatesAccepted: d.octet()%2 == 0}
	switch d.octet() % 8 {
	case 0:
		return fromRegistrar(d)
	case 1:
		r.Causes = []wire.Cause{{Code: wire.CauseCode(d.octet() % 11)}}
		return r
	}
	r.HasPolicy, r.Policy = d.octet()%4 > 0, wire.Policy{Type: pick(d, policies)}
	for range 1 + d.octet()%4 {
		r.Elements = append(r.Elements, siegeElement(d))
	}
	return r
}

func checkUser(l *link, got *pooluser.Resolution, told map[wire.PEID]bool) {
	for i := range got.Elements {
		if id := got.Elements[i].ID; !told[id] {
			panic(fmt.Sprintf("the user believes in element %v, which nobody told it of", id))
		}
	}
	for _, out := range l.said() {
		m, err := wire.Decode(wire.ASAP, out.Payload, nil)
		if err != nil {
			panic(fmt.Sprintf("the user says what is no message: %x, %v", out.Payload, err))
		}
		allowed := []uint8{wire.TypeHandleResolution, wire.TypeEndpointUnreachable, wire.TypeASAPError}
		if !slices.Contains(allowed, m.Type()) {
			panic(fmt.Sprintf("the user says %s", m.Name()))
		}
	}
}
