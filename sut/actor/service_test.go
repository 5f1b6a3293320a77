// SPDX-License-Identifier: Apache-2.0

package actor_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// userWorld is the world of a check of pool users.
func userWorld(t *testing.T) (context.Context, *actor.World) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	e, err := sut.NewEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	i, err := e.Prepare(ctx, sut.Wanted{Role: sut.PoolUser})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, &actor.World{Instance: i}
}

// TestServiceEchoesAndLeavesItsCookieFirst: who has the answer has the cookie, too.
func TestServiceEchoesAndLeavesItsCookieFirst(t *testing.T) {
	ctx, w := userWorld(t)
	s, err := w.OpenService(ctx, actor.ServiceSpec{ID: 5, Cookie: []byte("a cookie")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if pe := s.PE; pe.ID != 5 || pe.User.Kind != wire.TransportTCP || pe.User.Port == 0 || pe.Home == 0 || !pe.HasASAP {
		t.Errorf("it is listed as %+v", pe)
	}
	d := association.Dialer{Transport: association.TCP, PPID: wire.PPIDASAP}
	a, err := d.Dial(ctx, s.Doors()[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Abort("end of test")
	c, err := channel.New(a, channel.Options{Wire: wire.Strict()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendData(ctx, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	first, err := c.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if cookie, ok := first.Control.(*wire.Cookie); !ok || string(cookie.Value) != "a cookie" {
		t.Errorf("first came %+v", first)
	}
	if then, err := c.Receive(ctx); err != nil || string(then.Data) != "hello" {
		t.Errorf("then came %+v, %v", then, err)
	}
	if err := c.SendControl(ctx, &wire.CookieEcho{Value: []byte("a cookie")}); err != nil {
		t.Fatal(err)
	}
	echo, err := s.Await(ctx, 0, func(s actor.Served) bool { return s.Control != nil })
	if err != nil {
		t.Fatal(err)
	}
	served := s.Served()
	if len(served) != 2 || !bytes.Contains(served[0].Data, []byte("hello")) || echo.Node != served[0].Node {
		t.Errorf("served %+v", served)
	}
	s.Close() // a crash
	if _, err := c.Receive(ctx); err == nil {
		t.Error("the association goes on")
	}
}

// TestGateHoldsBackWhatCameAfterItWasShut, and lets it through when it is opened.
func TestGateHoldsBackWhatCameAfterItWasShut(t *testing.T) {
	ctx, w := userWorld(t)
	w.Instance.Security = sut.Clear
	gate := actor.NewGate()
	place, err := w.RegistrarPlace(0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.OpenRegistrar(ctx, actor.RegistrarSpec{Place: place, Gate: gate, Members: []wire.PoolElement{actor.Listed(actor.NewPE(1, w.Instance.Local()))}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	ask := func() *actor.User {
		n, err := script.Open(ctx, script.Options{Name: "pu", Peer: "registrar", Door: r.Doors()[0], Wire: wire.Strict()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Abort)
		if err := n.Send(ctx, &wire.HandleResolution{PoolHandle: []byte("EchoPool")}); err != nil {
			t.Fatal(err)
		}
		return &actor.User{Node: n}
	}
	answered := func(u *actor.User) {
		t.Helper()
		if _, err := u.Await(ctx, func(m wire.Message) bool { _, ok := m.(*wire.HandleResolutionResponse); return ok }); err != nil {
			t.Error(err)
		}
	}
	held := ask()
	gate.Open()
	answered(held)
	answered(ask())
	gate.Shut()
	again := ask()
	if err := held.Send(ctx, &wire.HandleResolution{PoolHandle: []byte("EchoPool")}); err != nil {
		t.Fatal(err)
	}
	answered(held)   // what was open stays open
	const before = 3 // the two that the open gate let through, and the one after them
	// A message counts as heard only after its answer.
	if _, _, err := r.Await(ctx, before-1, func(wire.Message) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got := len(r.Heard()); got != before || len(again.Received()) != 0 {
		t.Errorf("%d messages got through the shut gate", got-before)
	}
	gate.Open()
	answered(again)
	gate.Shut()
	ask()
	r.Close() // does not hang on what is held back
}
