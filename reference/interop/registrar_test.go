//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
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

// rsplib's user finds our elements at our registrar, speaks with one of them, and goes on with the other when that is
// killed.
func TestRsplibUserFailsOverBetweenOurElements(t *testing.T) {
	b := newBed(t)
	const first, second wire.PEID = 0x11111111, 0x22222222
	r := b.registrar(vm.Host(), nil)
	// In the guest, since its kernel aborts the associations of the dead; a host that vanishes is noticed after minutes.
	elements := make(map[string]*guest.Process)
	for i, id := range []wire.PEID{first, second} {
		elements[fmt.Sprintf("from PE $%08x> hello", uint32(id))] = b.guestDaemon("pe", fmt.Sprintf(`version: 1
security: clear
dialect: rsplib
registrars:
  - {transport: sctp-kernel, address: "%s"}
pools:
  - {handle: %s, id: 0x%x, service: {transport: sctp-kernel, address: "%s"}}
`, at(vm.Host(), guest.ASAPPort), pool, uint32(id), at(addr(firstElement+i), servicePort)))
	}
	b.await("both are registered", func() bool { return r.has(map[wire.PEID]wire.ServerID{first: ourID, second: ourID}) })
	user := b.spawn("sh", "-c", "while echo hello; do sleep 0.2; done | exec rspterminal -poolhandle="+pool+
		" -registrar="+at(vm.Host(), guest.ASAPPort).String()+" -asapannounce=off -logcolor=off -loglevel=6")
	var used string
	b.await("an element answers", func() bool {
		for answer := range elements {
			if strings.Contains(output(b, user), answer) {
				used = answer
			}
		}
		return used != ""
	})
	if err := elements[used].Kill(); err != nil {
		t.Fatal(err)
	}
	delete(elements, used)
	for other := range elements {
		b.await("the other one answers", func() bool { return strings.Contains(output(b, user), other) })
	}
	b.await("the dead one is removed", func() bool { return len(r.Snapshot()) == 1 })
}
