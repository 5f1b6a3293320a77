// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_17Registrar: Potential insider attacks from legitimate ENRP servers.
//
// "During pool handle resolution, the signed policy needs to be sent from an ENRP server to
// an ASAP endpoint in a way that will allow the user to later hold the server accountable to
// the policy." The section informs and requires nothing, and so does this check.
func section2_17Registrar() []engine.Check {
	return []engine.Check{{
		ID: "2.17-accountable-registrar", Section: "2.17", Role: engine.Registrar,
		Title:        "A registrar passes on what elements signed, and an authentic registrar of its group lies",
		Requirements: []string{"T2.17-R3"},
		Threat: reports.Threat{
			Attacker:     "a registrar of the group, authentic and rogue: the one that is judged, or another one that lies to it",
			Precondition: "whoever relies on a registrar can see what the element itself has said",
			Effect:       "users are led to the elements that the rogue prefers, and others' elements vanish from the handlespace",
			Mitigation:   "elements sign their policy, and a registrar takes an element's word from nobody but its home",
			Residual:     "an authentic registrar can still invent elements of its own and withhold those of others",
		},
		Run: accountable,
	}}
}

// policySeed is the key of an element for one check; nobody else relies on it.
var policySeed = []byte("rspthreat signs policies for 2.17")[:ed25519.SeedSize]

// policyValidity is longer than a check.
const policyValidity = 10 * time.Minute

func accountable(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	key := ed25519.NewKeyFromSeed(policySeed)
	id := wire.PEID(r.Random())
	var signed *actor.Element
	var shown []wire.PoolElement
	var rejected error // by a registrar to which the extension is not skippable
	r.Baseline(ctx, "an element registers a policy that it has signed", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		signed, err = r.World.OpenElement(ctx, actor.Spec{Name: "pe that signs", Door: s.element.Door(), ID: id})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		statement := wire.SignedPolicy{Sequence: 1, Expires: time.Now().Add(policyValidity), User: signed.PE.User, Policy: signed.PE.Policy}
		signed.PE.SignedPolicy, err = statement.Sign(key, wire.PoolHandle(r.Instance.Pool), id)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "sign")
		if rejected = signed.Register(ctx); errors.Is(rejected, actor.ErrRejected) {
			return rejected.Error()
		}
		g.Expect(rejected).NotTo(gomega.HaveOccurred(), "register")
		shown, err = s.view.User().Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		g.Expect(slices.ContainsFunc(shown, func(e wire.PoolElement) bool { return e.ID == id })).To(gomega.BeTrue(), "the element that registered cannot be resolved")
		return "it is registered, with a signed policy of " + fmt.Sprint(len(signed.PE.SignedPolicy)) + " octets"
	})
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
		defer cancel()
		_ = signed.Deregister(ctx) // tidying up; a lie may have done it
		signed.Close(ctx)
	}()
	r.Oracle(ctx, "what the element signed is passed on, and is what the registrar shows", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(rejected).NotTo(gomega.HaveOccurred(), "an element that signs its policy (an experimental extension) is rejected")
		for i := range shown {
			if shown[i].ID == id {
				return asSigned(g, r.Instance.Pool, key, &shown[i])
			}
		}
		return "" // the baseline has seen it
	})
	lies(ctx, s)
}

// asSigned holds what a registrar shows of an element against the element's signature.
func asSigned(g gomega.Gomega, pool string, key ed25519.PrivateKey, e *wire.PoolElement) string {
	g.Expect(e.SignedPolicy).NotTo(gomega.BeEmpty(), "the registrar does not pass signed policies on (an experimental extension)")
	statement, err := wire.ParseSignedPolicy(e.SignedPolicy)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "read what is shown as signed")
	g.Expect(wire.VerifySignedPolicy(key.Public().(ed25519.PublicKey), wire.PoolHandle(pool), e.ID, e.SignedPolicy)).To(gomega.Succeed(), "verify the signature")
	g.Expect(e.Policy).To(gomega.Equal(statement.Policy), "the registrar shows another policy than the element signed")
	return "the signed policy is passed on, and the policy shown is the one that was signed"
}

// lieCount is how many elements the insider invents: enough to see that nothing bounds them.
const lieCount = 20

// lies tells what an authentic registrar can do to the handlespace. It informs: nothing in
// the draft forbids a registrar to believe its peers.
func lies(ctx context.Context, s *stage) {
	r := s.run
	i := r.Instance
	switch {
	case s.view.Peer() == nil:
		r.Note("what an insider can do was not tried: %s", s.view.Partial)
		return
	case i.Security == sut.Secured && i.Credentials.Peer == nil:
		return
	}
	door, err := r.World.Door(wire.ENRP)
	if err != nil {
		r.Note("what an insider can do was not tried: %v", err)
		return
	}
	insider := &attackers.Insider{Site: s.site(), Door: door}
	if i.Credentials.Peer != nil {
		insider.Identity, insider.Key = i.Credentials.Peer.Identity, i.Credentials.Peer.Key
	}
	l := &liar{stage: s, insider: insider, at: from(&insider.Site, r), victim: s.victim()}
	r.Attack(ctx, "delete, steal, take over, flood and swap elements as an authentic registrar", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		l.node, err = insider.Join(ctx, &l.victim, l.at)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "join the group")
		return strings.Join(l.all(ctx, g), "; ")
	})
	s.canary(ctx)
	s.look(ctx)
	for _, line := range l.effects {
		r.Note("an authentic registrar that %s", line)
	}
}

// liar is an insider at work.
type liar struct {
	*stage
	insider *attackers.Insider
	node    *script.Node
	victim  attackers.Victim
	at      netip.Addr
	effects []string
}

// all tells every lie, and notes what came of it.
func (l *liar) all(ctx context.Context, g gomega.Gomega) []string {
	own := l.element.PE.ID
	l.tell(ctx, g, "deletes another's element", own, l.victim.Deletion(l.at))
	l.tell(ctx, g, "steals another's element", own, l.victim.Theft(l.at))
	l.tell(ctx, g, "takes over the living", own, l.victim.Takeover()...)
	l.flood(ctx, g)
	l.swap(ctx, g)
	return l.effects
}

// tell has one lie told and looks whether the honest element is still what it was.
func (l *liar) tell(ctx context.Context, g gomega.Gomega, what string, id wire.PEID, messages ...wire.Message) {
	_, err := l.insider.Tell(ctx, l.node, l.victim.RoguePresence(l.at), messages...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), what)
	seen, err := l.view.Snapshot(ctx, l.run.Instance.Pool)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "look at the handlespace")
	effect := "is not believed"
	if !slices.Equal(seen.Find(l.run.Instance.Pool, id), l.before.Find(l.run.Instance.Pool, id)) {
		effect = "is believed: the element is now " + list(seen.Find(l.run.Instance.Pool, id))
		g.Expect(l.element.Register(ctx)).To(gomega.Succeed(), "register the element again")
	}
	l.effects = append(l.effects, what+" "+effect)
}

// flood invents elements, and takes them back.
func (l *liar) flood(ctx context.Context, g gomega.Gomega) {
	var ids []wire.PEID
	var add, del []wire.Message
	for range lieCount {
		id := wire.PEID(l.run.Random())
		ids = append(ids, id)
		add, del = append(add, l.victim.Own(wire.AddPE, id, l.at)), append(del, l.victim.Own(wire.DelPE, id, l.at))
	}
	presence := l.victim.RoguePresence(l.at)
	presence.Checksum = attackers.Checksum(l.run.Instance.Pool, ids...)
	_, err := l.insider.Tell(ctx, l.node, presence, add...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "announce invented elements")
	elements, err := l.view.User().Resolve(ctx, l.run.Instance.Pool)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
	believed := 0
	for _, e := range elements {
		if slices.Contains(ids, e.ID) {
			believed++
		}
	}
	_, err = l.insider.Tell(ctx, l.node, l.victim.RoguePresence(l.at), del...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "take them back")
	l.effects = append(l.effects, fmt.Sprintf("invents %d elements of its own is believed for %d of them", lieCount, believed))
}

// swap tells of one element, and in its presence owns to another one with the same share in
// the PE checksum, as it would tell others: an audit finds nothing.
func (l *liar) swap(ctx context.Context, g gomega.Gomega) {
	id := wire.PEID(l.run.Random())
	presence := l.victim.RoguePresence(l.at)
	presence.Checksum = attackers.Checksum(l.run.Instance.Pool, attackers.Twin(id))
	heard, err := l.insider.Tell(ctx, l.node, presence, l.victim.Own(wire.AddPE, id, l.at))
	g.Expect(err).NotTo(gomega.HaveOccurred(), "swap an element")
	audited := slices.ContainsFunc(heard, func(m wire.Message) bool {
		_, ok := m.(*wire.HandleTableRequest)
		return ok
	})
	effect := "is not noticed by the audit"
	if audited {
		effect = "is asked for its handle table"
	}
	l.effects = append(l.effects, "swaps elements so that its checksum stays "+effect)
	_, err = l.insider.Tell(ctx, l.node, l.victim.RoguePresence(l.at), l.victim.Own(wire.DelPE, id, l.at))
	g.Expect(err).NotTo(gomega.HaveOccurred(), "take it back")
}
