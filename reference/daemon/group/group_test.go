// SPDX-License-Identifier: Apache-2.0

//go:build group

package group

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// The group: 2 farms of 25 hosts in 20 pools are 1,000 elements.
const (
	registrars = 3
	farms      = 2
	farmHosts  = 25
	pools      = 20
	perFarm    = farmHosts * pools

	// settled bounds how long the group may take to agree after each event. With the timers
	// below it takes some seconds on an idle machine; this is for a busy one.
	settled = 90 * time.Second
)

// registrarYAML has timers that let the test see in seconds what takes minutes otherwise, in the
// proportions of RFC 5353 section 4.2.
const registrarYAML = `version: 1
server_id: %d
doors:
  - {protocol: asap, transport: sctp-udp, tls: true, address: "%s:3864"}
  - {protocol: enrp, transport: sctp-udp, tls: true, address: "%s:9902"}
psk_file: keys.psk
identity: registrar-%d
element_identity: registrars
timers: {keep_alive: 3s, keep_alive_timeout: 4s, peer_heartbeat: 1s, max_time_last_heard: 5s, max_time_no_response: 2s, peer_redial: 1s}
identities:
`

// group is everything that runs.
type group struct {
	t      *testing.T
	net    *network
	dir    string
	binary string

	hosts     [registrars]*host
	running   [registrars]*process // nil: killed
	farmHosts [farms]*host
	farms     [farms]*process
	observer  *process
}

func registrarAddr(i int) netip.Addr   { return addr(0, i+1) }
func registrarID(i int) wire.ServerID  { return wire.ServerID(0x11 * (i + 1)) }
func elementName(number int) string    { return fmt.Sprintf("pe-%d", number) }
func elementNumber(farm, host int) int { return farm*100 + host + 1 }

// keyOf is a pre-shared key of 16 octets.
func keyOf(name string) string { return fmt.Sprintf("%-16.16s", name+" key............") }

func newGroup(t *testing.T) *group {
	g := &group{t: t, net: newNetwork(t), dir: t.TempDir(), binary: build(t)}
	g.configure()
	for i := range registrars {
		g.hosts[i] = g.net.host(fmt.Sprintf("registrar %d", i+1), registrarAddr(i))
	}
	for f := range farms {
		addrs := make([]netip.Addr, farmHosts)
		for h := range addrs {
			addrs[h] = addr(f+1, h+1)
		}
		g.farmHosts[f] = g.net.host(fmt.Sprintf("elements %d", f+1), addrs...)
	}
	g.observer = g.net.host("observer", addr(99, 1)).role("observer", watch{Server: 0x99, Identity: "observer", Key: keyOf("observer")})
	return g
}

// configure writes the configuration files.
func (g *group) configure() {
	var keys, identities strings.Builder
	add := func(name, role, rest string) {
		fmt.Fprintf(&keys, "%s:%s\n", name, hex.EncodeToString([]byte(keyOf(name))))
		if role != "" {
			fmt.Fprintf(&identities, "  - {identity: %s, role: %s, %s}\n", name, role, rest)
		}
	}
	for f := range farms {
		for h := range farmHosts {
			add(elementName(elementNumber(f, h)), "pe", `pools: ["*"]`)
		}
	}
	for i := range registrars {
		add(fmt.Sprintf("registrar-%d", i+1), "registrar", fmt.Sprintf("server_id: %d", registrarID(i)))
	}
	add("observer", "registrar", "server_id: 0x99")
	add("registrars", "", "") // towards elements
	g.write("keys.psk", keys.String())
	for i := range registrars {
		at := registrarAddr(i)
		text := fmt.Sprintf(registrarYAML, registrarID(i), at, at, i+1) + identities.String() + "peers:\n"
		for p := range registrars {
			if p != i {
				text += fmt.Sprintf("  - {transport: sctp-udp, address: \"%s:9902\", server_id: %d, identity: registrar-%d}\n", registrarAddr(p), registrarID(p), p+1)
			}
		}
		g.write(fmt.Sprintf("registrar-%d.yaml", i+1), text)
	}
}

func (g *group) write(name, text string) {
	g.t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// start starts registrar i.
func (g *group) start(i int) {
	g.t.Helper()
	name := fmt.Sprintf("registrar-%d", i+1)
	cmd := exec.Command(g.binary, "registrar", "--config", filepath.Join(g.dir, name+".yaml"))
	g.running[i] = g.hosts[i].start(name, cmd)
}

// kill is kill -9 of registrar i.
func (g *group) kill(i int) {
	g.running[i].kill()
	g.running[i] = nil
}

// populate starts the elements of farm f.
func (g *group) populate(f int) {
	g.t.Helper()
	arg := farm{Pools: pools, Caller: "registrars", CallerKey: keyOf("registrars")}
	for h := range farmHosts {
		number := elementNumber(f, h)
		arg.Hosts = append(arg.Hosts, farmHost{Addr: addr(f+1, h+1), Identity: elementName(number), Key: keyOf(elementName(number)), Number: number})
	}
	for i := range registrars {
		arg.Registrars = append(arg.Registrars, farmRegistrar{registrarAddr(i), registrarID(i)})
	}
	g.farms[f] = g.farmHosts[f].role("elements", arg)
}

// agreed waits until the registrars have the same handlespace: the elements of the farms, each
// at the home that the element itself has, and PE checksums that fit.
func (g *group) agreed(what string, at []int, living ...int) {
	g.t.Helper()
	start := time.Now()
	tick := time.NewTicker(100 * time.Millisecond) // nobody tells the test
	defer tick.Stop()
	for ; ; <-tick.C {
		why := g.disagreement(at, living)
		if why == "" {
			g.t.Logf("%s: agreed on %d elements after %s, %d packets carried and %d lost so far",
				what, len(living)*perFarm, time.Since(start).Round(100*time.Millisecond), g.net.carried.Load(), g.net.lost.Load())
			return
		}
		if time.Since(start) > settled {
			g.t.Fatalf("%s: not agreed after %s: %s", what, settled, why)
		}
	}
}

// disagreement returns "" or what does not fit yet.
func (g *group) disagreement(at, living []int) string {
	want := make(map[shown]bool)
	up := make(map[wire.ServerID]bool)
	for _, i := range at {
		up[registrarID(i)] = true
	}
	for _, f := range living {
		var list []standing
		g.farms[f].ask("how do you stand?", &list)
		for _, s := range list {
			if !up[s.Home] {
				return fmt.Sprintf("element %s in %s has home %s", s.ID, s.Pool, s.Home)
			}
			want[shown{Pool: s.Pool, ID: s.ID, Home: s.Home}] = true
		}
	}
	var first []shown
	for _, i := range at {
		var s seen
		g.observer.ask(registrarAddr(i), &s)
		if s.Error != "" {
			return fmt.Sprintf("registrar %d: %s", i+1, s.Error)
		}
		slices.SortFunc(s.Elements, func(a, b shown) int { return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.ID, b.ID)) })
		if why := fits(s, want); why != "" {
			return fmt.Sprintf("registrar %d: %s", i+1, why)
		}
		if first == nil {
			first = s.Elements
		} else if !slices.Equal(first, s.Elements) {
			return fmt.Sprintf("registrars %d and %d have different handlespaces", at[0]+1, i+1)
		}
	}
	return ""
}

// fits returns "" or what is wrong with the handlespace of a registrar.
func fits(s seen, want map[shown]bool) string {
	missing := maps.Clone(want)
	own := [][]byte{}
	for _, e := range s.Elements {
		key := shown{Pool: e.Pool, ID: e.ID, Home: e.Home}
		if !want[key] {
			return fmt.Sprintf("element %s in %s with home %s is not so, or does not live; it has %d of %d", e.ID, e.Pool, e.Home, len(s.Elements), len(want))
		}
		delete(missing, key)
		if e.Home == s.Server {
			own = append(own, checksummed(e))
		}
	}
	if len(missing) > 0 {
		return fmt.Sprintf("%d of %d elements are missing", len(missing), len(want))
	}
	if sum := internetChecksum(bytes.Join(own, nil)); sum != s.Checksum {
		return fmt.Sprintf("PE checksum 0x%04x, want 0x%04x of %d elements", s.Checksum, sum, len(own))
	}
	return ""
}

// checksummed is what an element adds to the PE checksum (RFC 5353 section 3.6.2): handle,
// padded, and identifier.
func checksummed(e shown) []byte {
	b := []byte(e.Pool)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return append(b, byte(e.ID>>24), byte(e.ID>>16), byte(e.ID>>8), byte(e.ID))
}

// internetChecksum is RFC 1071's, of a multiple of 4 octets.
func internetChecksum(b []byte) uint16 {
	sum := uint64(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint64(b[i])<<8 | uint64(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func TestGroupOfThreeWithAThousandElements(t *testing.T) {
	g := newGroup(t)
	everywhere, everybody := []int{0, 1, 2}, []int{0, 1}
	for i := range registrars {
		g.start(i)
		g.running[i].said("msg=ready")
	}
	for f := range farms {
		g.populate(f)
	}
	g.agreed("start", everywhere, everybody...)

	g.kill(0)
	g.start(0) // before anybody knows
	g.agreed("registrar 1 killed and started at once", everywhere, everybody...)

	g.kill(0)
	g.agreed("registrar 1 killed", []int{1, 2}, everybody...)
	g.start(0)
	g.agreed("registrar 1 started again", everywhere, everybody...)

	g.net.partition(g.hosts[2], g.farmHosts[1])
	g.agreed("registrar 3 and half of the elements cut off", []int{0, 1}, 0)
	g.net.partition()
	g.agreed("together again", everywhere, everybody...)

	g.net.loss.Store(5)
	g.kill(1)
	g.agreed("registrar 2 killed, one packet in twenty lost", []int{0, 2}, everybody...)
	g.start(1)
	g.agreed("registrar 2 started again, one packet in twenty lost", everywhere, everybody...)
	g.net.loss.Store(0)

	g.kill(0)
	g.kill(2)
	g.agreed("registrars 1 and 3 killed together", []int{1}, everybody...)
	g.start(0)
	g.start(2)
	g.agreed("all are back", everywhere, everybody...)
}
