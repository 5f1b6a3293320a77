//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// daemon runs one of our daemons here, as a process that can be killed.
func (b *bed) daemon(kind, config string) *exec.Cmd {
	b.Helper()
	l := b.log("our " + kind)
	cmd := exec.CommandContext(b.ctx, command(), kind, "--config", b.file(kind, config))
	cmd.Stdout, cmd.Stderr = l, l
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill() // the test may have done it
		_ = cmd.Wait()
	})
	b.await("our "+kind+" is ready", func() bool { return strings.Contains(l.String(), "msg=ready") })
	return cmd
}

// kill ends a daemon as kill -9 does: nothing is said to anybody.
func (b *bed) kill(cmd *exec.Cmd) {
	b.Helper()
	if err := cmd.Process.Signal(os.Kill); err != nil {
		b.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

// registrarConfig is a registrar of ours at the host's address, with short timers.
func registrarConfig() string {
	host, peer := vm.Host(), addr(firstRegistrar)
	return fmt.Sprintf(`version: 1
security: clear
dialect: rsplib
server_id: 0x%x
doors:
  - {protocol: asap, transport: sctp, address: "%s"}
  - {protocol: enrp, transport: sctp, address: "%s"}
peers:
  - {transport: sctp, address: "%s"}
timers: {keep_alive: 1s, peer_heartbeat: 1s, max_time_last_heard: 3s, max_time_no_response: 2s}
`, uint32(ourID), at(host, guest.ASAPPort), at(host, guest.ENRPPort), at(peer, guest.ENRPPort))
}

// Our registrar takes the elements of a killed rspregistrar over: those of rsplib and ours, which know no other one.
func TestOurRegistrarTakesOver(t *testing.T) {
	b := newBed(t)
	theirRegistrar := b.rspregistrar(firstRegistrar, smallID)
	r := b.registrar(vm.Host(), peerAt(addr(firstRegistrar)))
	b.inService(r)
	server := b.rspserver(firstElement, theirs, addr(firstRegistrar))
	n := b.element(here(0), mine, hosts(addr(firstRegistrar)), nil)
	b.await("our registrar has both elements", func() bool {
		return r.has(map[wire.PEID]wire.ServerID{theirs: smallID, mine: smallID})
	})
	if err := theirRegistrar.Kill(); err != nil {
		t.Fatal(err)
	}
	b.await("our registrar has taken over", func() bool { return r.Stats().Takeovers == 1 })
	if ev := b.expect(n, poolelement.HomeChanged); ev.Server != ourID {
		t.Errorf("our element has moved to %s", ev.Server)
	}
	b.await("rsplib's element has moved", func() bool {
		return strings.Contains(output(b, server), fmt.Sprintf("Home registrar is $%08x", uint32(ourID)))
	})
	acks := strings.Count(output(b, server), "Sending KeepAliveAck")
	b.await("rsplib's element answers our keep-alives", func() bool {
		return strings.Count(output(b, server), "Sending KeepAliveAck") >= acks+3
	})
	if !r.has(map[wire.PEID]wire.ServerID{theirs: ourID, mine: ourID}) {
		t.Errorf("our registrar has %v", r.Snapshot())
	}
	b.rspterminal(vm.Host(), "hello", "> hello")
}

// rsplib's registrars take the elements of our registrar over when it is killed. Alone with the dead one rspregistrar
// never finishes a takeover, because it does so when an acknowledgement comes; therefore there are two of them.
func TestRspregistrarTakesOver(t *testing.T) {
	b := newBed(t)
	b.rspregistrar(firstRegistrar, smallID, "-peer="+at(addr(secondRegistrar), guest.ENRPPort).String())
	b.rspregistrar(secondRegistrar, largeID, "-peer="+at(addr(firstRegistrar), guest.ENRPPort).String())
	r := b.daemon("registrar", registrarConfig())
	server := b.rspserver(firstElement, theirs, vm.Host())
	n := b.element(here(0), mine, hosts(vm.Host()), nil)
	b.expect(n, poolelement.Registered)
	u := b.user(hosts(addr(firstRegistrar)), nil)
	v := b.user(hosts(addr(secondRegistrar)), nil)
	b.await("both have both elements", func() bool { return b.resolved(u, theirs, mine) && b.resolved(v, theirs, mine) })
	b.kill(r)
	home := b.expect(n, poolelement.HomeChanged).Server // who noticed first, since the other one then agrees
	if home != smallID && home != largeID {
		t.Errorf("our element has moved to %s", home)
	}
	b.await("rsplib's element has moved", func() bool {
		return strings.Contains(output(b, server), fmt.Sprintf("Home registrar is $%08x", uint32(home)))
	})
	before := n.Stats().Acknowledgements
	b.await("our element answers keep-alives", func() bool { return n.Stats().Acknowledgements >= before+3 })
	if !b.resolved(u, theirs, mine) || !b.resolved(v, theirs, mine) {
		t.Error("an element was lost")
	}
}

// Two registrars notice the end of a third one, and one of them is ours: whoever is first has the consent of the other,
// and when rsplib has begun and we have not agreed, because we still heard the target, the smaller server ID wins.
func TestArbitrationWithRspregistrar(t *testing.T) {
	// From its last sign of life rspregistrar waits 2 s, asks, and begins after another second.
	const rspregistrarBegins = 3 * time.Second
	for _, c := range []struct {
		name      string
		rival     wire.ServerID
		lastHeard time.Duration // of ours; we begin then, as the association has ended
		winner    wire.ServerID
		log       string // of the rival
	}{
		{"we are first", smallID, 1500 * time.Millisecond, ourID, "Acknowledging peer $00002222's takeover"},
		{"rsplib gives in", largeID, rspregistrarBegins + time.Second, ourID, "has lower ID -> we ($00003333) abort our takeover"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			const targetID wire.ServerID = 0x00007777
			options := []string{"-peermaxtimelastheard=2000", "-takeoverexpiryinterval=5000"}
			target := b.rspregistrar(firstRegistrar, targetID, append(options, "-peer="+at(addr(secondRegistrar), guest.ENRPPort).String())...)
			rival := b.rspregistrar(secondRegistrar, c.rival, append(options, "-peer="+at(addr(firstRegistrar), guest.ENRPPort).String())...)
			r := b.registrar(vm.Host(), func(cfg *registrar.Config) {
				peerAt(addr(firstRegistrar), addr(secondRegistrar))(cfg)
				cfg.Timers.MaxTimeLastHeard = c.lastHeard
			})
			b.inService(r)
			b.rspserver(firstElement, theirs, addr(firstRegistrar))
			n := b.element(here(0), mine, hosts(addr(firstRegistrar)), nil)
			u := b.user(hosts(addr(secondRegistrar)), nil)
			b.await("all have both elements", func() bool {
				return b.resolved(u, theirs, mine) && r.has(map[wire.PEID]wire.ServerID{theirs: targetID, mine: targetID})
			})
			if err := target.Kill(); err != nil {
				t.Fatal(err)
			}
			if ev := b.expect(n, poolelement.HomeChanged); ev.Server != c.winner {
				t.Errorf("our element has moved to %s, want %s", ev.Server, c.winner)
			}
			b.await("we know the new home", func() bool { return r.has(map[wire.PEID]wire.ServerID{theirs: c.winner, mine: c.winner}) })
			b.await("rsplib knows it", func() bool {
				found, err := u.Resolve(b.ctx, pool)
				return err == nil && len(found.Elements) == 2 && found.Elements[0].Home == c.winner && found.Elements[1].Home == c.winner
			})
			if !strings.Contains(output(b, rival), c.log) {
				t.Errorf("rsplib's registrar does not say %q", c.log)
			}
		})
	}
}

// rsplib takes over a registrar that hangs, with our consent; it cannot tell us that it has done so, which the audit
// makes up for.
func TestRspregistrarTakesOverWithOurConsent(t *testing.T) {
	b := newBed(t)
	const targetID wire.ServerID = 0x00007777
	target := b.rspregistrar(firstRegistrar, targetID, "-peer="+at(addr(secondRegistrar), guest.ENRPPort).String())
	rival := b.rspregistrar(secondRegistrar, largeID, "-peer="+at(addr(firstRegistrar), guest.ENRPPort).String())
	r := b.registrar(vm.Host(), func(cfg *registrar.Config) {
		peerAt(addr(firstRegistrar), addr(secondRegistrar))(cfg)
		cfg.Timers.MaxTimeLastHeard, cfg.Timers.MaxTimeNoResponse = 2*time.Second, 10*time.Second
	})
	b.inService(r)
	n := b.element(here(0), mine, hosts(addr(firstRegistrar)), nil)
	u := b.user(hosts(addr(secondRegistrar)), nil)
	b.await("all have the element", func() bool {
		return b.resolved(u, mine) && r.has(map[wire.PEID]wire.ServerID{mine: targetID})
	})
	if err := target.Signal(b.ctx, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if ev := b.expect(n, poolelement.HomeChanged); ev.Server != largeID {
		t.Errorf("our element has moved to %s, want %s", ev.Server, largeID)
	}
	b.await("we know the new home", func() bool { return r.has(map[wire.PEID]wire.ServerID{mine: largeID}) })
	for _, line := range []string{"Got InitTakeoverAck from peer $00002222", "Sending TakeoverServer failed"} {
		if !strings.Contains(output(b, rival), line) {
			t.Errorf("rsplib's registrar does not say %q", line)
		}
	}
}
