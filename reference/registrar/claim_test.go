// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// TestClaimsAreSpread: a takeover is no flood of keep-alives (draft section 2.14).
func TestClaimsAreSpread(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		m := g.members[0]
		m.forget()
		g.kill(1, false)
		pass(lastHeard + heartbeat)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.claims != len(m.elements) {
			t.Fatalf("%d claims for %d elements", m.claims, len(m.elements))
		}
		spacing := registrar.DefaultTimers().ClaimSpacing
		for i := 1; i < m.claims; i++ {
			if gap := m.keepAlives[i].Sub(m.keepAlives[i-1]); gap < spacing {
				t.Fatalf("keep-alives %d and %d are %s apart, want at least %s", i-1, i, gap, spacing)
			}
		}
	})
}

// TestClaimedElementThatIsGoneIsRemoved: it went with its registrar, and does not come back.
func TestClaimedElementThatIsGoneIsRemoved(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		g.kill(1, false)
		gone := g.members[0]
		g.place(-1, gone.addr)
		g.members = g.members[1:]
		defer gone.close()
		pass(detection)
		g.agreed()
	})
}

// TestElementWithoutADoorMayComeByItself: it cannot be reached, but has time to register.
func TestElementThatCannotBeReachedMayComeByItself(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		g.attach(g.members[0].addr, nil) // it takes no associations
		g.kill(1, true)                  // it notices, and registers elsewhere
		pass(detection)
		g.agreed()
	})
}

// forget forgets the keep-alives that have come.
func (m *member) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keepAlives, m.claims = nil, 0
}

func TestClaimedElementIsWatchedLikeAnyOther(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		g.kill(1, false)
		pass(detection)
		g.members[0].forget()
		pass(2 * time.Minute)
		g.members[0].mu.Lock()
		n, claims := len(g.members[0].keepAlives), g.members[0].claims
		g.members[0].mu.Unlock()
		if n == 0 || claims != 0 {
			t.Fatalf("%d keep-alives, %d of them with H=1", n, claims)
		}
		lost := g.members[0]
		g.place(-1, lost.addr)
		g.members = g.members[1:]
		defer lost.close()
		pass(detection)
		g.agreed()
	})
}
