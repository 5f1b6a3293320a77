//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Our element registers at rspregistrar, answers its keep-alives, serves rsplib's user and ours, and deregisters.
func TestOurElementAtRspregistrar(t *testing.T) {
	b := newBed(t)
	const id wire.PEID = 0x0badcafe
	r := b.rspregistrar(firstRegistrar, smallID)
	n := b.element(here(0), id, hosts(addr(firstRegistrar)), nil)
	b.expect(n, poolelement.Registered)
	u := b.user(hosts(addr(firstRegistrar)), nil)
	found, err := u.Resolve(b.ctx, pool)
	if err != nil || len(found.Elements) != 1 {
		t.Fatalf("resolved %+v, %v", found, err)
	}
	if e := found.Elements[0]; e.ID != id || e.Home != smallID || e.Life != poolelement.DefaultLife ||
		e.User.Port != servicePort || fmt.Sprint(e.User.Addrs) != fmt.Sprint(hosts(here(0))) {
		t.Errorf("resolved %+v", e)
	}
	s := newTestSession(b, u)
	if by := b.echoed(s, "from our user"); by != id {
		t.Errorf("answered by %s", by)
	}
	b.rspterminal(addr(firstRegistrar), "hello", fmt.Sprintf("from PE $%08x> hello", uint32(id)))
	// Every second, with 2 s to answer: after three of them the element would be gone if an answer did not count.
	b.await("keep-alives are answered", func() bool { return n.Stats().Acknowledgements >= 4 })
	if !b.resolved(u, id) {
		t.Error("the element was removed")
	}
	if st := n.Stats(); st.Malformed+st.Ignored > 0 || st.Registrations != 1 {
		t.Errorf("%+v", st)
	}
	if server, _, _ := n.Home(); server != smallID {
		t.Errorf("home is %s", server)
	}
	if err := n.Deregister(b.ctx, wire.PoolHandle(pool)); err != nil {
		t.Error(err)
	}
	if _, err := u.Resolve(b.ctx, pool); err == nil {
		t.Error("the element is there after it deregistered")
	}
	if log := output(b, r); !strings.Contains(log, "Deregistration successfully completed") {
		t.Error("rspregistrar does not say that the element deregistered")
	}
}

// Our user finds rsplib's elements at rspregistrar, speaks with one of them, and goes on with the other when that is killed.
func TestOurUserFailsOverBetweenRsplibElements(t *testing.T) {
	b := newBed(t)
	const first, second wire.PEID = 0x11111111, 0x22222222
	b.rspregistrar(firstRegistrar, smallID)
	servers := map[wire.PEID]interface{ Kill() error }{
		first:  b.rspserver(firstElement, first, addr(firstRegistrar)),
		second: b.rspserver(secondElement, second, addr(firstRegistrar)),
	}
	u := b.user(hosts(addr(firstRegistrar)), nil)
	b.await("both elements are registered", func() bool { return b.resolved(u, first, second) })
	told := make(chan pooluser.Failover, 1)
	s := newTestSession(b, u, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
		told <- f
		return nil
	}))
	before := b.echoed(s, "before")
	if err := servers[before].Kill(); err != nil {
		t.Fatal(err)
	}
	after := b.echoed(s, "after")
	if after == before {
		t.Errorf("the dead element %s answers", after)
	}
	select {
	case f := <-told:
		if f.From.ID != before || f.To.ID != after {
			t.Errorf("failover from %s to %s, want from %s to %s", f.From.ID, f.To.ID, before, after)
		}
	default:
		t.Error("the application was not told of the failover")
	}
	b.await("the dead element is removed", func() bool { return b.resolved(u, after) })
}
