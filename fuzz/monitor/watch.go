// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// Watch is a company of honest nodes that use the system while it is fuzzed: an element that
// registers again and again, a user that resolves its pool, and a peer registrar, where there is
// a credential for one, that downloads the handle table.
type Watch struct {
	system *link.System
	world  *actor.World
	victim wire.PEID

	element *actor.Element
	user    *actor.User
	server  wire.ServerID // of the system, once a peer has heard it
	mortal  mortal
	// accepted are elements that are known to be there for a reason.
	accepted map[name]bool
	suspect  bool // peers have spoken since the last look
}

type name struct {
	pool string
	id   wire.PEID
}

// mortal is an honest element with a short life.
type mortal struct {
	id   wire.PEID
	dead time.Time // when it has to be gone; zero: there is none
}

// mortalLife is the registration life of the mortal element in seconds, the shortest there is.
const mortalLife = 1

// idleSlack is how much later than necessary honest nodes look.
const idleSlack = 200 * time.Millisecond

// maxAccepted bounds the elements that are remembered.
const maxAccepted = 100_000

// watchServer is the server ID of the honest peer registrar.
const watchServer = wire.ServerID(0x52535033) // "RSP3"

// NewWatch connects the honest nodes. Victim is the identifier of the honest element.
func NewWatch(ctx context.Context, s *link.System, victim wire.PEID) (*Watch, error) {
	security := sut.Clear
	if s.Secured {
		security = sut.Secured
	}
	i := &sut.Instance{
		Security: security, Doors: s.Doors, Credentials: s.Credentials, Pool: s.Pool, OtherPool: s.OtherPool,
		Wire: s.Wire, Timers: sut.Timers{Response: s.Response, Removal: s.Removal},
	}
	if i.Credentials.Other != nil { // the fuzzer itself comes as the first one
		i.Credentials.Element = i.Credentials.Other
	}
	w := &Watch{system: s, world: &actor.World{Instance: i}, victim: victim, accepted: map[name]bool{}}
	w.mortal.id = victim + 1
	if err := w.connect(ctx); err != nil {
		w.Close()
		return nil, err
	}
	if _, err := w.table(ctx); err != nil { // learns the server ID
		w.Close()
		return nil, err
	}
	return w, nil
}

// Known returns what placeholders stand for.
func (w *Watch) Known() conversation.Values {
	return conversation.Values{Victim: uint32(w.victim), Server: uint32(w.server)}
}

// connect opens what is not open and registers the element.
func (w *Watch) connect(ctx context.Context) error {
	if w.element != nil {
		if _, ended := w.element.Ended(); ended {
			w.element.Abort()
			w.element = nil
		}
	}
	if w.user != nil {
		if _, ended := w.user.Ended(); ended {
			w.user.Abort()
			w.user = nil
		}
	}
	if w.element == nil {
		door, err := w.world.Door(wire.ASAP)
		if err != nil {
			return err
		}
		if w.element, err = w.world.OpenElement(context.WithoutCancel(ctx), actor.Spec{Name: "honest element", Door: door, ID: w.victim}); err != nil {
			return err
		}
	}
	if w.user == nil {
		var err error
		if w.user, err = w.world.OpenUser(ctx, "honest user"); err != nil {
			return err
		}
	}
	return w.within(ctx, w.element.Register)
}

// within gives an operation the time that the system has for an answer.
func (w *Watch) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.system.Response)
	defer cancel()
	return do(ctx)
}

// Close ends the honest nodes' associations.
func (w *Watch) Close() {
	if w.element != nil {
		w.element.Abort()
	}
	if w.user != nil {
		w.user.Abort()
	}
}

// PeersSpoke says that peer registrars, who may announce and take over elements, have spoken:
// what is in the handlespace at the next look is there for a reason.
func (w *Watch) PeersSpoke() { w.suspect = true }

// Accept says that the elements have been granted.
func (w *Watch) Accept(pool string, id wire.PEID) {
	if len(w.accepted) < maxAccepted {
		w.accepted[name{pool, id}] = true
	}
}

// Look has the honest nodes do what they do, and looks at the handlespace with their eyes. The
// anomalies are what they are refused and what nobody can have made.
func (w *Watch) Look(ctx context.Context) []Anomaly {
	if w.suspect || len(w.accepted) >= maxAccepted {
		return w.startOver(ctx)
	}
	found := w.resolve(ctx, true)
	if err := w.reregister(ctx); err != nil {
		return append(found, w.refusal(err, "register"))
	}
	table, err := w.table(ctx)
	if err != nil {
		return append(found, w.refusal(err, "download the handle table"))
	}
	return append(found, w.judgeTable(table)...)
}

// startOver takes what is there for granted and sees only that honest nodes are served.
func (w *Watch) startOver(ctx context.Context) []Anomaly {
	w.suspect = false
	w.mortal.dead = time.Time{}
	if err := w.reregister(ctx); err != nil {
		return []Anomaly{w.refusal(err, "register")}
	}
	clear(w.accepted)
	table, err := w.table(ctx)
	if err != nil {
		return []Anomaly{w.refusal(err, "download the handle table")}
	}
	for _, p := range table {
		for _, e := range p.Elements {
			w.Accept(string(p.PoolHandle), e.ID)
		}
	}
	return w.resolve(ctx, true)
}

// Restore registers the honest element again, whoever has changed or removed it.
func (w *Watch) Restore(ctx context.Context) error { return w.reregister(ctx) }

// reregister registers the honest element again; a second time over a new association, as the
// old one may have been ended for no fault of the system.
func (w *Watch) reregister(ctx context.Context) error {
	err := w.connect(ctx)
	if err != nil && !errors.Is(err, actor.ErrRejected) && !errors.Is(err, context.DeadlineExceeded) {
		err = w.connect(ctx)
	}
	if err != nil {
		return err
	}
	if w.mortal.dead.IsZero() {
		pe := actor.NewPE(w.mortal.id, w.element.Info().Local.Addr())
		pe.Life = mortalLife
		err = w.within(ctx, func(ctx context.Context) error { return actor.Register(ctx, w.element.Node, w.element.Pool, pe) })
		w.mortal.dead = time.Now().Add(mortalLife*time.Second + w.system.Removal)
		w.Accept(w.element.Pool, pe.ID)
	}
	return err
}

func (w *Watch) refusal(err error, what string) Anomaly {
	a := Anomaly{Kind: Refused, Rule: "an honest node cannot " + what, Detail: err.Error()}
	if errors.Is(err, context.DeadlineExceeded) {
		a.Kind, a.Rule = Hang, "an honest question is not answered"
	}
	return a
}

// resolve looks for the honest elements as a user.
func (w *Watch) resolve(ctx context.Context, expected bool) []Anomaly {
	var elements []wire.PoolElement
	ask := func(ctx context.Context) (err error) {
		elements, err = w.user.Resolve(ctx, w.system.Pool)
		return err
	}
	err := w.within(ctx, ask)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		if err = w.connect(ctx); err == nil {
			err = w.within(ctx, ask)
		}
	}
	if err != nil {
		return []Anomaly{w.refusal(err, "resolve")}
	}
	var found []Anomaly
	at := slices.IndexFunc(elements, func(e wire.PoolElement) bool { return e.ID == w.victim })
	switch {
	case at < 0 && expected:
		found = append(found, Anomaly{Kind: Oracle, Rule: "an honest element is gone", Requirement: "T2.3-R6", Detail: fmt.Sprintf("element %s of pool %q", w.victim, w.system.Pool)})
	case at >= 0:
		found = append(found, w.compare(&elements[at])...)
	}
	if !w.mortal.dead.IsZero() && time.Now().After(w.mortal.dead) {
		if slices.ContainsFunc(elements, func(e wire.PoolElement) bool { return e.ID == w.mortal.id }) {
			found = append(found, Anomaly{
				Kind: Oracle, Rule: "an element outlives its registration life", Section: "RFC 5352 section 3.1", Detail: fmt.Sprintf("element %s, %d s", w.mortal.id, mortalLife),
				Idle: mortalLife*time.Second + w.system.Removal + idleSlack,
			})
		}
		w.mortal.dead = time.Time{}
	}
	return found
}

// compare tells what of the honest element is not as it was registered.
func (w *Watch) compare(e *wire.PoolElement) []Anomaly {
	want := &w.element.PE
	if e.User.Port == want.User.Port && e.User.Kind == want.User.Kind && slices.Equal(e.User.Addrs, want.User.Addrs) && e.Policy.Type == want.Policy.Type {
		return nil
	}
	return []Anomaly{{Kind: Oracle, Rule: "an honest element was changed", Requirement: "T2.3-R6", Detail: fmt.Sprintf("%+v, registered as %+v", e.User, want.User)}}
}

// table downloads the handle table as a peer registrar that comes for it; nil where there is none.
func (w *Watch) table(ctx context.Context) ([]wire.PoolEntry, error) {
	if len(w.world.Doors(wire.ENRP)) == 0 || (w.system.Secured && w.system.Credentials.Peer == nil) {
		return nil, nil
	}
	var pools []wire.PoolEntry
	err := w.within(ctx, func(ctx context.Context) error {
		peer, err := w.world.OpenPeer(ctx, actor.PeerSpec{Name: "honest peer", ID: watchServer})
		if err != nil {
			return err
		}
		defer peer.Abort()
		w.server = peer.Server
		pools, err = peer.Table(ctx)
		return err
	})
	return pools, err
}

// judgeTable judges the elements that the system calls its own.
func (w *Watch) judgeTable(table []wire.PoolEntry) (found []Anomaly) {
	for _, p := range table {
		for i := range p.Elements {
			e := &p.Elements[i]
			if e.Home != w.server || e.ID == w.victim || !w.system.Secured {
				continue
			}
			if !w.accepted[name{string(p.PoolHandle), e.ID}] {
				found = append(found, Anomaly{Kind: Oracle, Rule: "an element is registered that nobody was granted", Requirement: "T2.1-R1", Detail: fmt.Sprintf("element %s in pool %q", e.ID, p.PoolHandle)})
				continue
			}
			if slices.ContainsFunc(e.User.Addrs, w.foreign) {
				found = append(found, Anomaly{Kind: Oracle, Rule: "an element is registered at an address that is not its own", Requirement: "T2.3-R6", Detail: fmt.Sprintf("element %s in pool %q at %v", e.ID, p.PoolHandle, e.User.Addrs)})
			}
		}
	}
	return found
}

// foreign tells addresses that no node of the harness comes from.
func (w *Watch) foreign(a netip.Addr) bool {
	return !w.system.Own(a) && a.Unmap() != w.element.Info().Local.Addr().Unmap()
}
