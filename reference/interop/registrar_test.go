//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// rsplib's element registers at our registrar, answers its keep-alives, and is reached through it by rsplib's user.
func TestRsplibElementAndUserAtOurRegistrar(t *testing.T) {
	b := newBed(t)
	const id wire.PEID = 0x12345678
	r := b.registrar(vm.Host(), nil)
	server := b.rspserver(firstElement, id, vm.Host())
	b.await("the element is registered", func() bool { _, ok := r.element(id); return ok })
	e, _ := r.element(id)
	if e.PE.Home != ourID || e.PE.Policy.Type != wire.RoundRobin || e.PE.User.Kind != wire.TransportSCTP {
		t.Errorf("registered as %+v", e.PE)
	}
	if want := fmt.Sprint([]any{addr(firstElement)}); fmt.Sprint(e.PE.User.Addrs) != want {
		t.Errorf("user transport %v, want %s", e.PE.User.Addrs, want)
	}
	// rspserver re-registers every 60 s and registers for three times that.
	if e.PE.Life < 60 || e.PE.Life > 600 {
		t.Errorf("registered for %d s", e.PE.Life)
	}
	b.rspterminal(vm.Host(), "hello", fmt.Sprintf("from PE $%08x> hello", uint32(id)))
	b.await("keep-alives are answered", func() bool { return strings.Count(output(b, server), "KeepAliveAck") >= 3 })
	if _, ok := r.element(id); !ok {
		t.Fatal("the element was removed")
	}
	if err := server.Signal(b.ctx, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	b.await("the element deregisters", func() bool { return strings.Contains(r.log.String(), "why=deregistered") })
}
