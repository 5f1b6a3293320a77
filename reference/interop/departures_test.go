//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// Each test here leaves one switch of RSPLIB.md at what the RFC says, and shows what becomes of it. When one fails, rsplib
// has changed, or the switch has lost its purpose.

// without is the dialect of rsplib with one thing left out.
func without(leave func(*wire.Options)) wire.Options {
	o := wire.Rsplib()
	leave(&o)
	return o
}

// join has our registrar join a group whose only other member has an element, and returns it when it is in service.
func (b *bed) join(change func(*registrar.Config)) *ours {
	b.Helper()
	unheard := at(addr(secondRegistrar), guest.ENRPPort) // nobody is there
	b.rspregistrar(firstRegistrar, smallID, "-peer="+unheard.String())
	n := b.element(here(0), theirs, hosts(addr(firstRegistrar)), nil)
	b.expect(n, poolelement.Registered)
	r := b.registrar(vm.Host(), func(c *registrar.Config) {
		peerAt(addr(firstRegistrar))(c)
		if change != nil {
			change(c)
		}
	})
	b.inService(r)
	return r
}

func TestDeparturesAtTheStartOfARegistrar(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*registrar.Config)
		log    string // why the mentor did not help; "" when it did
	}{
		{"all switches", nil, ""},
		{"RequireChecksum", func(c *registrar.Config) { c.Wire = without(func(o *wire.Options) { o.RequireChecksum = false }) }, "ENRP_HANDLE_TABLE_RESPONSE: rejected"},
		{"UnheardServers", func(c *registrar.Config) { c.Wire = without(func(o *wire.Options) { o.UnheardServers = false }) }, "server ID 0x0: illegal value"},
		{"DialFromDoor", func(c *registrar.Config) { c.DialFromDoor = false }, "ENRP_HANDLE_TABLE_RESPONSE: rejected"},
		{"RFCs only", func(c *registrar.Config) {
			c.Wire, c.DialFromDoor, c.Arbitration = wire.Strict(), false, registrar.LargerIDWins
		}, "the association has ended"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			r := b.join(c.change)
			log := r.log.String()
			if helped := strings.Contains(log, "handlespace downloaded from mentor"); helped != (c.log == "") {
				t.Errorf("the mentor helped: %v", helped)
			}
			if !strings.Contains(log, c.log) {
				t.Errorf("our registrar does not say %q: %s", c.log, log)
			}
		})
	}
}

// An element's 300 s are 300 ms for rspregistrar, which forgets what our registrar has told it.
func TestDepartureLifeMilliseconds(t *testing.T) {
	b := newBed(t)
	theirRegistrar := b.rspregistrar(firstRegistrar, smallID)
	seconds := without(func(o *wire.Options) { o.LifeMilliseconds = false })
	r := b.registrar(vm.Host(), func(c *registrar.Config) {
		peerAt(addr(firstRegistrar))(c)
		c.Wire = seconds
	})
	b.inService(r)
	b.expect(b.element(here(0), mine, hosts(vm.Host()), func(c *poolelement.Config) { c.Wire = seconds }), poolelement.Registered)
	b.await("rspregistrar forgets the element", func() bool {
		return strings.Contains(output(b, theirRegistrar), fmt.Sprintf("Expiry timeout expired for pool element $%08x", uint32(mine)))
	})
}

func TestDepartureKeepAlivePEID(t *testing.T) {
	b := newBed(t)
	b.rspregistrar(firstRegistrar, smallID)
	n := b.element(here(0), mine, hosts(addr(firstRegistrar)), func(c *poolelement.Config) {
		c.Wire = without(func(o *wire.Options) { o.KeepAlivePEID = false })
	})
	b.expect(n, poolelement.Registered)
	b.expect(n, poolelement.HomeLost)
	if st := n.Stats(); st.Malformed == 0 {
		t.Errorf("%+v", st)
	}
}
