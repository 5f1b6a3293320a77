// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// enter tries to come to the secured TCP door of i as identity.
func enter(t *testing.T, i *Instance, identity *PSK) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := association.Dialer{
		Transport: association.TCP, Local: i.Local(), PPID: wire.ASAP.PPID(),
		TLS: &tlspsk.Config{PSKIdentity: identity.Identity, PSKKey: identity.Key},
	}
	for _, door := range i.Find(wire.ASAP, true) {
		if door.Transport == association.TCP {
			a, err := d.Dial(ctx, door.Addr)
			if err == nil {
				a.Abort("end of test")
			}
			return err
		}
	}
	t.Fatal("no door")
	return nil
}

// An administrator withdraws one key of one registrar: its holder cannot come any more, the
// others can, and the registrar of the next check knows nothing of it.
func TestRevokedKeyOpensNoDoorOfItsInstance(t *testing.T) {
	e := embedded(t)
	first, second := prepare(t, e, Secured), prepare(t, e, Secured)
	if err := first.Revoke(t.Context(), first.Credentials.Element.Identity); err != nil {
		t.Fatal(err)
	}
	if err := enter(t, first, first.Credentials.Element); err == nil {
		t.Error("the withdrawn key still opens the door")
	}
	if err := enter(t, first, first.Credentials.Other); err != nil {
		t.Errorf("another key: %v", err)
	}
	if err := enter(t, second, second.Credentials.Element); err != nil {
		t.Errorf("another instance: %v", err)
	}
	// The key stays withdrawn when the registrar is started again.
	if err := first.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := enter(t, first, first.Credentials.Element); err == nil {
		t.Error("the withdrawn key opens the door after a restart")
	}
	if err := enter(t, first, first.Credentials.Other); err != nil {
		t.Errorf("another key after a restart: %v", err)
	}
	if err := first.Revoke(t.Context(), "nobody"); err == nil {
		t.Error("an identity that is not there can be withdrawn")
	}
}

// The registrar answers at the same doors after a restart.
func TestRestartedRegistrarAnswersAtTheSameDoors(t *testing.T) {
	i := prepare(t, embedded(t), Secured)
	if err := i.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := ask(t, i, &wire.HandleResolution{PoolHandle: wire.PoolHandle(i.Pool)}).(*wire.HandleResolutionResponse); !ok {
		t.Error("no answer to a resolution")
	}
}
