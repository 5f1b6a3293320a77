//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/sut/guest"
)

// guestDaemon runs one of our daemons in the guest.
func (b *bed) guestDaemon(kind, config string) *guest.Process {
	b.Helper()
	p := b.spawn(command(), kind, "--config", b.file(kind, config))
	b.await("our "+kind+" in the guest is ready", func() bool { return strings.Contains(output(b, p), "msg=ready") })
	return p
}

// Our three daemons run in the guest, over the SCTP of its kernel, among rsplib's: the registrars are one group, and each
// user finds the elements of both kinds. At the end rspregistrar is killed, and ours takes over.
func TestOurDaemonsOverKernelSCTP(t *testing.T) {
	b := newBed(t)
	ourRegistrar, rspregistrar := addr(secondRegistrar), addr(firstRegistrar)
	theirRegistrar := b.rspregistrar(firstRegistrar, smallID)
	server := b.rspserver(firstElement, theirs, rspregistrar)
	b.await("rsplib's element is registered", func() bool { return strings.Contains(output(b, theirRegistrar), "Successfully registered") })
	r := b.guestDaemon("registrar", fmt.Sprintf(`version: 1
security: clear
dialect: rsplib
server_id: 0x%x
doors:
  - {protocol: asap, transport: sctp-kernel, address: "%s"}
  - {protocol: enrp, transport: sctp-kernel, address: "%s"}
peers:
  - {transport: sctp-kernel, address: "%s"}
timers: {keep_alive: 1s, peer_heartbeat: 1s, max_time_last_heard: 3s, max_time_no_response: 2s}
`, uint32(ourID), at(ourRegistrar, guest.ASAPPort), at(ourRegistrar, guest.ENRPPort), at(rspregistrar, guest.ENRPPort)))
	if log := output(b, r); !strings.Contains(log, "handlespace downloaded from mentor") {
		t.Errorf("no handle table from the mentor: %s", log)
	}
	element := addr(secondElement)
	pe := b.guestDaemon("pe", fmt.Sprintf(`version: 1
security: clear
dialect: rsplib
registrars:
  - {transport: sctp-kernel, address: "%s"}
doors:
  - {transport: sctp-kernel, address: "%s"}
pools:
  - {handle: %s, id: 0x%x, service: {transport: sctp-kernel, address: "%s"}}
`, at(rspregistrar, guest.ASAPPort), at(element, guest.ASAPPort), pool, uint32(mine), at(element, servicePort)))
	b.await("our element is registered", func() bool { return strings.Contains(output(b, pe), "msg=registered") })

	u := b.user(hosts(ourRegistrar), nil)
	b.await("our registrar has both elements", func() bool { return b.resolved(u, theirs, mine) })
	// Each asks for as many elements as there are, and takes the first: round robin has them take turns.
	for range 2 {
		b.rspterminal(ourRegistrar, "hello", "> hello")
	}
	config := b.file("pu", fmt.Sprintf(`version: 1
security: clear
dialect: rsplib
pool: %s
registrars:
  - {transport: sctp-kernel, address: "%s"}
elements: {security: clear, sctp: sctp-kernel}
`, pool, at(rspregistrar, guest.ASAPPort)))
	out, err := vm.Exec(b.ctx, "sh", "-c", "echo hello | "+command()+" pu --config "+config)
	if err != nil || out != "hello\n" {
		t.Errorf("our user got %q, %v", out, err)
	}

	if err := theirRegistrar.Kill(); err != nil {
		t.Fatal(err)
	}
	b.await("our element has moved", func() bool { return strings.Contains(output(b, pe), "msg=home-changed") })
	b.await("rsplib's element has moved", func() bool {
		return strings.Contains(output(b, server), fmt.Sprintf("Home registrar is $%08x", uint32(ourID)))
	})
	if !b.resolved(u, theirs, mine) {
		t.Error("an element was lost in the takeover")
	}
	found, err := u.Resolve(b.ctx, pool)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found.Elements {
		if e.Home != ourID {
			t.Errorf("the home of %s is %s", e.ID, e.Home)
		}
	}
}
