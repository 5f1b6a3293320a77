// SPDX-License-Identifier: Apache-2.0

package actor_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// registrarWorld is one in which an element is under test and the registrar is ours.
func registrarWorld(t *testing.T, s sut.Security, spec actor.RegistrarSpec) (context.Context, *actor.World, *actor.Registrar) {
	t.Helper()
	e, err := sut.NewEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	i, err := e.Prepare(ctx, sut.Wanted{Role: sut.PoolElement, Security: s})
	if err != nil {
		t.Fatal(err)
	}
	w := &actor.World{Instance: i, Recorder: &evidence{}}
	if spec.Place, err = w.RegistrarPlace(0); err != nil {
		t.Fatal(err)
	}
	r, err := w.OpenRegistrar(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return ctx, w, r
}

// visit comes to the registrar as an element does that has the right key.
func visit(ctx context.Context, t *testing.T, w *actor.World, r *actor.Registrar) *script.Node {
	t.Helper()
	o := script.Options{Name: "pe", Peer: "registrar", Door: r.Doors()[0], Local: w.Instance.Local(), Wire: wire.Strict(), Recorder: &evidence{}}
	if o.Door.Secured {
		o.TLS = actor.PSKConfig(w.Instance.Credentials.Element)
	}
	n, err := script.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Abort)
	return n
}

func resolve(ctx context.Context, t *testing.T, n *script.Node, pool string) []wire.PoolElement {
	t.Helper()
	elements, err := (&actor.User{Node: n}).Resolve(ctx, pool)
	if err != nil {
		t.Fatal(err)
	}
	return elements
}

// TestHonestRegistrarDoesWhatRFC5352Says: it confirms, resolves to what it confirmed, and
// forgets who leaves.
func TestHonestRegistrarDoesWhatRFC5352Says(t *testing.T) {
	for _, s := range []sut.Security{sut.Secured, sut.Clear} {
		t.Run(string(s), func(t *testing.T) {
			ctx, w, r := registrarWorld(t, s, actor.RegistrarSpec{})
			n := visit(ctx, t, w, r)
			pool := w.Instance.Pool
			if found := resolve(ctx, t, n, pool); len(found) != 0 {
				t.Errorf("an empty pool has %+v", found)
			}
			e := &actor.Element{Node: n, Pool: pool, PE: actor.NewPE(7, n.Info().Local.Addr())}
			for range 2 { // a renewal is no second element
				if err := e.Register(ctx); err != nil {
					t.Fatal(err)
				}
			}
			m, from, err := r.AwaitRegistration(ctx)
			if err != nil || m.Element.ID != 7 || from.Info().Remote.Addr() != n.Info().Local.Addr() {
				t.Errorf("registered %+v from %v, %v", m, from, err)
			}
			found := resolve(ctx, t, n, pool)
			if len(found) != 1 || found[0].ID != 7 || found[0].Home != r.Server || found[0].User.Port != e.PE.User.Port {
				t.Errorf("resolved to %+v", found)
			}
			if err := e.Deregister(ctx); err != nil {
				t.Fatal(err)
			}
			if found := resolve(ctx, t, n, pool); len(found) != 0 || len(r.Members()) != 0 {
				t.Errorf("who has left is still there: %+v", found)
			}
			r.SetMembers(actor.NewPE(1, n.Info().Local.Addr()), actor.NewPE(2, n.Info().Local.Addr()))
			if found := resolve(ctx, t, n, pool); len(found) != 2 {
				t.Errorf("resolved to %+v", found)
			}
		})
	}
}

// TestAwaitFindsWhatCameAndWhatIsYetToCome.
func TestAwaitFindsWhatCameAndWhatIsYetToCome(t *testing.T) {
	seen := make(chan string, 16)
	ctx, w, r := registrarWorld(t, sut.Secured, actor.RegistrarSpec{
		Intercept: func(n *script.Node, m wire.Message) bool {
			seen <- m.Name()
			_, silent := m.(*wire.Deregistration)
			return silent
		},
	})
	n := visit(ctx, t, w, r)
	report := func(id wire.PEID) func(wire.Message) bool {
		return func(m wire.Message) bool {
			u, ok := m.(*wire.EndpointUnreachable)
			return ok && u.PEID == id
		}
	}
	for _, id := range []wire.PEID{1, 2, 1} {
		if err := n.Send(ctx, &wire.EndpointUnreachable{PoolHandle: []byte("EchoPool"), PEID: id}); err != nil {
			t.Fatal(err)
		}
	}
	_, known, err := r.Await(ctx, 0, report(1))
	if err != nil || known != 1 {
		t.Errorf("first at %d, %v", known, err)
	}
	if _, known, err = r.Await(ctx, known, report(1)); err != nil || known != 3 {
		t.Errorf("second at %d, %v", known, err)
	}
	later := make(chan error, 1)
	go func() {
		_, _, err := r.Await(ctx, known, report(3))
		later <- err
	}()
	// A deregistration that is intercepted is heard and not answered.
	if err := n.Send(ctx, &wire.Deregistration{PoolHandle: []byte("EchoPool"), PEID: 1}); err != nil {
		t.Fatal(err)
	}
	if err := n.Send(ctx, &wire.EndpointUnreachable{PoolHandle: []byte("EchoPool"), PEID: 3}); err != nil {
		t.Fatal(err)
	}
	if err := <-later; err != nil {
		t.Error(err)
	}
	for range 3 {
		<-seen
	}
	if name := <-seen; name != "ASAP_DEREGISTRATION" || len(r.Heard()) != 5 || len(n.Received()) != 0 {
		t.Errorf("intercepted %s, heard %d, answered %v", name, len(r.Heard()), n.Received())
	}
	brief, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := r.Await(brief, 0, report(9)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestRegistrarPlaceIsWhereTheSystemLooks.
func TestRegistrarPlaceIsWhereTheSystemLooks(t *testing.T) {
	_, w, _ := registrarWorld(t, sut.Secured, actor.RegistrarSpec{})
	a, errA := w.RegistrarPlace(0)
	b, errB := w.RegistrarPlace(1)
	if errA != nil || errB != nil || a.Addr.Addr() == b.Addr.Addr() || a.Addr.Port() != wire.PortASAPTLS || !a.Secured || !a.Transport.IsSCTP() {
		t.Errorf("places %+v, %+v", a, b)
	}
	w.Instance.Role = sut.PoolUser
	if p, err := w.RegistrarPlace(0); err != nil || p.Transport != association.TCP {
		t.Errorf("place for users %+v, %v", p, err)
	}
	w.Instance.PlayedOver = []association.Transport{association.TCP, association.SCTPUDP}
	for n, want := range []association.Transport{association.TCP, association.SCTPUDP, association.TCP} {
		if p, err := w.RegistrarPlace(n); err != nil || p.Transport != want {
			t.Errorf("place %d: %+v %v, want %s", n, p, err, want)
		}
	}
	w.Instance.Registrars = []sut.Place{b}
	if p, err := w.RegistrarPlace(0); err != nil || p != b {
		t.Errorf("configured place %+v, %v", p, err)
	}
	if _, err := w.RegistrarPlace(1); !errors.Is(err, actor.ErrNoPlace) {
		t.Errorf("error %v", err)
	}
}
