// SPDX-License-Identifier: Apache-2.0

package actor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// evidence is a Recorder that keeps the messages.
type evidence struct {
	mu     sync.Mutex
	events []script.Event
}

func (*evidence) Record(association.Record)   {}
func (*evidence) Write(p []byte) (int, error) { return len(p), nil }

func (e *evidence) Message(event script.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, event)
}

// world is the embedded reference with room for honest nodes.
func world(t *testing.T, s sut.Security) (context.Context, *actor.World) {
	t.Helper()
	e, err := sut.NewEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	i, err := e.Prepare(ctx, sut.Wanted{Security: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := i.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return ctx, &actor.World{Instance: i, Recorder: &evidence{}}
}

func element(ctx context.Context, t *testing.T, w *actor.World, id wire.PEID) *actor.Element {
	t.Helper()
	door, err := w.Door(wire.ASAP)
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.OpenElement(ctx, actor.Spec{Name: "pe alice", Door: door, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Abort)
	return e
}

// TestHonestNodesGetWhatTheRFCGivesThem: an element registers and leaves, and both
// observers see it come and go.
func TestHonestNodesGetWhatTheRFCGivesThem(t *testing.T) {
	for _, s := range []sut.Security{sut.Secured, sut.Clear} {
		t.Run(string(s), func(t *testing.T) {
			ctx, w := world(t, s)
			v, err := w.OpenView(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close(ctx)
			if v.Partial != "" || v.Peer() == nil {
				t.Errorf("partial: %q", v.Partial)
			}
			pool := w.Instance.Pool
			if before, err := v.Snapshot(ctx, pool); err != nil || before == nil || len(before) != 0 {
				t.Errorf("before: %q, %v; want an empty one, not none", before, err)
			}
			e := element(ctx, t, w, 0x1234)
			if err := e.Register(ctx); err != nil {
				t.Fatal(err)
			}
			during, err := v.Snapshot(ctx, pool)
			if err != nil {
				t.Fatal(err)
			}
			lines := during.Find(pool, 0x1234)
			if len(during) != 2 || !slices.Equal(lines, during) || !during.Contains(pool, 0x1234) {
				t.Fatalf("during: %q", during)
			}
			for n, how := range []string{"resolved: ", "table: "} {
				want := how + `pool "` + pool + `" element 0x00001234 at `
				if !strings.HasPrefix(lines[n], want) || !strings.Contains(lines[n], "port 7777 "+e.Info().Local.Addr().String()) {
					t.Errorf("line %q, want %q", lines[n], want)
				}
			}
			if again, err := v.Snapshot(ctx, pool); err != nil || !slices.Equal(again, during) {
				t.Errorf("nothing has changed, but %q became %q, %v", during, again, err)
			}
			if err := e.Deregister(ctx); err != nil {
				t.Fatal(err)
			}
			if after, err := v.Snapshot(ctx, pool); err != nil || len(after) != 0 {
				t.Errorf("after: %q, %v", after, err)
			}
			if v.Peer().Server != 0x0a0b0c0d {
				t.Errorf("the peer speaks with %s", v.Peer().Server)
			}
			if _, err := v.Peer().Servers(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRejectionIsToldWithItsCauses(t *testing.T) {
	ctx, w := world(t, sut.Secured)
	e := element(ctx, t, w, 7)
	e.Pool = w.Instance.OtherPool // which alice may not join
	err := e.Register(ctx)
	if !errors.Is(err, actor.ErrRejected) || !strings.Contains(err.Error(), "register 0x00000007 in "+e.Pool) {
		t.Errorf("register: %v", err)
	}
	if strings.Contains(err.Error(), "no cause given") || strings.HasSuffix(err.Error(), ": ") {
		t.Errorf("register: %v, without a cause", err)
	}
	// Bob may join the pool, but the element is alice's.
	mine := element(ctx, t, w, 8)
	if err := mine.Register(ctx); err != nil {
		t.Fatal(err)
	}
	w.Instance.Credentials.Element = w.Instance.Credentials.Other
	bob := element(ctx, t, w, 8)
	if err := bob.Deregister(ctx); !errors.Is(err, actor.ErrRejected) || !strings.Contains(err.Error(), "deregister 0x00000008") {
		t.Errorf("deregister: %v", err)
	}
	if got := actor.Causes(nil); got != "no cause given" {
		t.Errorf("%q", got)
	}
}

func TestNodeWithoutItsCredentialSaysSo(t *testing.T) {
	ctx, w := world(t, sut.Secured)
	door, err := w.Door(wire.ASAP)
	if err != nil || door.Transport == association.TCP || !door.Secured {
		t.Fatalf("door %s, %v; want SCTP, as RFC 5352 has it for elements", door, err)
	}
	given := w.Instance.Credentials
	w.Instance.Credentials = sut.Credentials{}
	if _, err := w.OpenElement(ctx, actor.Spec{Name: "pe alice", Door: door, ID: 1}); !errors.Is(err, actor.ErrNoCredential) || !strings.Contains(err.Error(), "pe alice") {
		t.Errorf("element: %v", err)
	}
	if _, err := w.OpenUser(ctx, "pu"); !errors.Is(err, actor.ErrNoCredential) {
		t.Errorf("user: %v", err)
	}
	if _, err := w.OpenPeer(ctx, actor.PeerSpec{Name: "peer", ID: 1}); !errors.Is(err, actor.ErrNoCredential) {
		t.Errorf("peer: %v", err)
	}
	// The authority is all that a pool user needs.
	w.Instance.Credentials = sut.Credentials{RootCAs: given.RootCAs, ServerName: given.ServerName}
	u, err := w.OpenUser(ctx, "pu")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort()
	if id := u.Info().Identity; id.Kind != tlspsk.Certificate {
		t.Errorf("the user took %+v for the registrar", id)
	}
	if elements, err := u.Resolve(ctx, "no such pool"); err != nil || len(elements) != 0 {
		t.Errorf("a pool that does not exist: %v, %v", elements, err)
	}
	// And it wants the right name.
	w.Instance.Credentials.ServerName = "registrar.example"
	if u, err := w.OpenUser(ctx, "pu"); err == nil {
		u.Abort()
		t.Error("the user takes any name")
	}
}

// TestElementAnswersKeepAlivesUnlessItIsToldNotTo: one that is reported unreachable stays
// in the pool exactly when it answers (RFC 5352 section 3.5).
func TestElementAnswersKeepAlivesUnlessItIsToldNotTo(t *testing.T) {
	ctx, w := world(t, sut.Secured)
	v, err := w.OpenView(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close(ctx)
	door, err := w.Door(wire.ASAP)
	if err != nil {
		t.Fatal(err)
	}
	lively, dead := element(ctx, t, w, 1), (*actor.Element)(nil)
	if dead, err = w.OpenElement(ctx, actor.Spec{Name: "pe dead", Door: door, ID: 2, Answer: func() bool { return false }}); err != nil {
		t.Fatal(err)
	}
	defer dead.Abort()
	for _, e := range []*actor.Element{lively, dead} {
		if err := e.Register(ctx); err != nil {
			t.Fatal(err)
		}
		if err := v.User().Send(ctx, &wire.EndpointUnreachable{PoolHandle: []byte(e.Pool), PEID: e.PE.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Peer().Await(ctx, func(m wire.Message) bool {
		u, ok := m.(*wire.HandleUpdate)
		return ok && u.Action == wire.DelPE && u.Element.ID == 2
	}); err != nil {
		t.Fatal(err)
	}
	s, err := v.Snapshot(ctx, w.Instance.Pool)
	if err != nil || !s.Contains(w.Instance.Pool, 1) || s.Contains(w.Instance.Pool, 2) {
		t.Errorf("%q, %v", s, err)
	}
}
