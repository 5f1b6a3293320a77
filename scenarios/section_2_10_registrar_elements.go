// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// registration tampers with a registration, and with its answer.
func (t *tamperedPaths) registration(ctx context.Context, door script.Door, direction attackers.Direction, how int) (passage, error) {
	id, pool := wire.PEID(t.run.Random()), []byte(t.run.Instance.Pool)
	tamperer := &attackers.Tamperer{}
	e, err := t.run.World.OpenElement(ctx, actor.Spec{Name: "pe on the path", Door: door, ID: id, Wrap: tamperer.Position})
	if err != nil {
		return passage{}, err
	}
	defer e.Abort()
	first := &wire.Registration{PoolHandle: pool, Element: e.PE}
	changed := wire.Message(first)
	if direction == attackers.Received {
		changed = &wire.RegistrationResponse{PoolHandle: pool, PEID: id}
	}
	tampering := tamperings(octets(id), t.where(changed, octets(id)), attackers.RecordPrefix(e.Info().TLS))[how]
	var others []wire.Message
	if how == swapped && direction == attackers.Sent {
		others = []wire.Message{&wire.Deregistration{PoolHandle: pool, PEID: id}}
	}
	heard, ended, err := through(ctx, t.run.Instance.Timers.Response, e.Node, tamperer, direction, tampering, first, others, probe(), isProbe)
	if err != nil {
		return passage{}, err
	}
	p := passage{what: fmt.Sprintf("a registration through %s, %s", door, direction), direction: direction, how: tampering.What, ended: ended}
	there, there2, err := t.inPool(ctx, id)
	if err != nil {
		return p, err
	}
	answers := responses[*wire.RegistrationResponse](heard)
	wrong := slices.ContainsFunc(answers, func(a *wire.RegistrationResponse) bool { return a.PEID == turned(id) })
	switch {
	case how == flipped && (there2 || wrong):
		p.effect = fmt.Sprintf("element %s was registered as %s", id, turned(id))
	case direction == attackers.Sent && how == cut && there:
		p.effect = "it was taken for a registration"
	case direction == attackers.Sent && how == swapped && there:
		p.effect = "the element is registered although it deregistered last"
	case how == swapped && direction == attackers.Received && turnedRound(heard, len(answers)):
		p.effect = "the answers came in the wrong order"
	case how == repeated && len(answers) > 1:
		p.effect = "it was answered twice"
	}
	t.takeOut(ctx, door, there, there2, id)
	return p, nil
}

// turnedRound: the last one was answered, and the first one not before it.
func turnedRound(heard []wire.Message, first int) bool {
	return first == 0 && len(heard) > 0 && isProbeOrList(heard[len(heard)-1])
}

func isProbeOrList(m wire.Message) bool {
	_, list := m.(*wire.ListResponse)
	return list || isProbe(m)
}

// probe asks for a pool that exists nowhere.
func probe() wire.Message { return &wire.HandleResolution{PoolHandle: []byte(attackers.Probe)} }

func isProbe(m wire.Message) bool {
	r, ok := m.(*wire.HandleResolutionResponse)
	return ok && string(r.PoolHandle) == attackers.Probe
}

func responses[T wire.Message](heard []wire.Message) []T {
	var found []T
	for _, m := range heard {
		if r, ok := m.(T); ok && !isProbe(m) {
			found = append(found, r)
		}
	}
	return found
}

// inPool tells whether the observer resolves an element, and what it is with a flipped bit.
func (t *tamperedPaths) inPool(ctx context.Context, id wire.PEID) (there, turnedThere bool, err error) {
	elements, err := t.view.User().Resolve(ctx, t.run.Instance.Pool)
	if err != nil {
		return false, false, err
	}
	has := func(id wire.PEID) bool {
		return slices.ContainsFunc(elements, func(e wire.PoolElement) bool { return e.ID == id })
	}
	return has(id), has(turned(id)), nil
}

// takeOut takes out what came into the pool, as its owner.
func (t *tamperedPaths) takeOut(ctx context.Context, door script.Door, there, turnedThere bool, id wire.PEID) {
	for candidate, in := range map[wire.PEID]bool{id: there, turned(id): turnedThere} {
		if !in {
			continue
		}
		e, err := t.run.World.OpenElement(ctx, actor.Spec{Name: "pe on the path", Door: door, ID: candidate})
		if err == nil {
			err = e.Deregister(ctx)
			e.Close(ctx)
		}
		if err != nil {
			t.run.Note("element %s could not be taken out again: %v", candidate, err)
		}
	}
}

// resolution tampers with the answer to a resolution; the question says nothing that matters.
func (t *tamperedPaths) resolution(ctx context.Context, door script.Door, direction attackers.Direction, how int) (passage, error) {
	if direction == attackers.Sent {
		return passage{}, nil
	}
	own := t.element.PE.ID
	tamperer := &attackers.Tamperer{}
	u, err := t.run.World.OpenUserAt(ctx, actor.UserSpec{Name: "pu on the path", Door: door, Wrap: tamperer.Position})
	if err != nil {
		return passage{}, err
	}
	defer u.Abort()
	first := &wire.HandleResolution{PoolHandle: []byte(t.run.Instance.Pool)}
	untouched, err := u.Request(ctx, first, func(m wire.Message) bool {
		return len(responses[*wire.HandleResolutionResponse]([]wire.Message{m})) > 0
	})
	if err != nil {
		return passage{}, err
	}
	tampering := tamperings(octets(own), t.where(untouched, octets(own)), attackers.RecordPrefix(u.Info().TLS))[how]
	heard, ended, err := through(ctx, t.run.Instance.Timers.Response, u.Node, tamperer, direction, tampering, first, nil, probe(), isProbe)
	if err != nil {
		return passage{}, err
	}
	p := passage{what: "a resolution through " + door.String(), direction: direction, how: tampering.What, ended: ended}
	answers := responses[*wire.HandleResolutionResponse](heard)
	before := len(untouched.(*wire.HandleResolutionResponse).Elements)
	for _, a := range answers {
		switch {
		case slices.ContainsFunc(a.Elements, func(e wire.PoolElement) bool { return e.ID == turned(own) }):
			p.effect = fmt.Sprintf("the user is given element %s, which nobody registered", turned(own))
		case how == cut && len(a.Elements) != before:
			p.effect = fmt.Sprintf("the user is given %d elements instead of %d", len(a.Elements), before)
		}
	}
	switch {
	case how == swapped && turnedRound(heard, len(answers)):
		p.effect = "the answers came in the wrong order"
	case how == repeated && len(answers) > 1:
		p.effect = "the answer came twice"
	}
	return p, nil
}
