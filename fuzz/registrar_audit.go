// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// audit downloads the handlespace as an honest peer and compares it with what was granted.
func (b *bed) audit() {
	l := b.connect(auditor)
	table := b.table(l)
	limits := siegeLimits()
	pools, owned := map[string]bool{}, map[string]int{}
	for name, e := range table {
		pools[name.handle] = true
		if e.Home != registrarID {
			if !b.peer || e.Home != peerID {
				panic(fmt.Sprintf("element %v of server %v, which nobody announced", name, e.Home))
			}
			continue
		}
		h, granted := b.holders[name]
		if !granted {
			panic(fmt.Sprintf("element %v was granted to nobody", name))
		}
		b.checkAddresses(h.speaker, &e)
		if owned[h.speaker.identity]++; owned[h.speaker.identity] > limits.MaxPerOwner {
			panic(fmt.Sprintf("%q has more than %d elements", h.speaker.identity, limits.MaxPerOwner))
		}
	}
	if len(table) > limits.MaxElements || len(pools) > limits.MaxPools {
		panic(fmt.Sprintf("%d elements in %d pools", len(table), len(pools)))
	}
	for name, h := range b.holders {
		if _, there := table[name]; !there && !h.mortal && !b.peer {
			panic(fmt.Sprintf("element %v of %q is gone", name, h.speaker.identity))
		}
	}
	b.checkPeers(l)
}

// table downloads the handle table.
func (b *bed) table(l *link) map[elementName]wire.PoolElement {
	table := map[elementName]wire.PoolElement{}
	for {
		m, err := askRegistrar[*wire.HandleTableResponse](b, l, &wire.HandleTableRequest{Sender: auditorID, Receiver: registrarID})
		if err != nil || m.Reject {
			panic(fmt.Sprintf("an honest peer cannot download the handle table: %+v, %v", m, err))
		}
		for _, p := range m.Pools {
			for _, e := range p.Elements {
				table[elementName{string(p.PoolHandle), e.ID}] = e
			}
		}
		if !m.More {
			return table
		}
	}
}

// checkPeers checks that only a registrar became a peer.
func (b *bed) checkPeers(l *link) {
	m, err := askRegistrar[*wire.ListResponse](b, l, &wire.ListRequest{Sender: auditorID, Receiver: registrarID})
	if err != nil {
		panic(fmt.Sprintf("an honest peer cannot ask for peers: %v", err))
	}
	for _, s := range m.Servers {
		if s.ID != peerID || !b.peer {
			panic(fmt.Sprintf("server %v became a peer", s.ID))
		}
	}
}

// resignation is how long an answer may take when it is most likely that none comes.
const resignation = time.Second

// askRegistrar is ask for a node that must not be refused. A refusal that is counted meanwhile is
// most likely its own, and nobody waits long for an answer then. But it may be one of the elements in
// a peer's answer to the registrar, which deals with that at any time.
func askRegistrar[T wire.Message](b *bed, l *link, m wire.Message) (answer T, err error) {
	before := b.refusals()
	answer, err = ask[T](l, m, func() time.Duration {
		if b.refusals() > before {
			return resignation
		}
		return patience
	})
	if err != nil && b.refusals() > before {
		panic(fmt.Sprintf("%s of an honest peer is refused: %v", m.Name(), err))
	}
	return answer, err
}

func (b *bed) refusals() (sum uint64) {
	for _, n := range b.registrar.Stats().Refused {
		sum += n
	}
	return sum
}
