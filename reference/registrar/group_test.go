// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// detection is longer than any failure takes to be noticed and dealt with: silence, the
// question, and a takeover that was not agreed to at first; then the claims.
const detection = 3 * time.Minute

// three starts a group of three registrars with a member of some elements at each.
func three(g *group) {
	g.t.Helper()
	g.start(1)
	pass(time.Second)
	g.start(2, 1, 3)
	g.start(3, 1, 2)
	pass(10 * time.Second)
	g.join(1, 100, 1, 2, 3)
	g.join(2, 100, 2, 3, 1)
	g.join(3, 100, 3, 1, 2)
	pass(time.Second)
	g.agreed()
}

func TestGroupAgreesOnWhatIsRegisteredAnywhere(t *testing.T) {
	inGroup(t, nil, three)
}

func TestRegistrarThatIsKilledIsTakenOver(t *testing.T) {
	for name, noticed := range map[string]bool{"associations reset": true, "host gone": false} {
		t.Run(name, func(t *testing.T) {
			inGroup(t, nil, func(g *group) {
				three(g)
				g.kill(1, noticed)
				pass(detection)
				g.agreed()
				takeovers := uint64(0)
				for _, r := range g.registrars {
					takeovers += r.Stats().Takeovers
				}
				if takeovers != 1 {
					t.Errorf("%d takeovers, want one", takeovers)
				}
				if !noticed && g.members[0].claims != len(g.members[0].elements) {
					t.Errorf("%d keep-alives with H=1, want one for each of %d elements", g.members[0].claims, len(g.members[0].elements))
				}
			})
		})
	}
}

func TestRegistrarThatIsRestartedIsBackInTheGroup(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": time.Second, "after it was taken over": detection} {
		t.Run(name, func(t *testing.T) {
			inGroup(t, nil, func(g *group) {
				three(g)
				g.kill(1, true)
				pass(wait)
				g.start(1, 2, 3)
				pass(detection)
				g.agreed()
			})
		})
	}
}

func TestWholeGroupStartedAtOnceComesIntoService(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		g.start(1, 2, 3)
		g.start(2, 1, 3)
		g.start(3, 1, 2)
		g.join(1, 10, 1)
		g.join(2, 10, 2)
		pass(detection)
		g.agreed()
	})
}

func TestPartitionThatIsHealed(t *testing.T) {
	for _, row := range []struct {
		name string
		long time.Duration
	}{{"before anybody noticed", 20 * time.Second}, {"after both sides took over", detection}} {
		t.Run(row.name, func(t *testing.T) {
			inGroup(t, nil, func(g *group) {
				three(g)
				g.place(1, registrarAddr(1), memberAddr(1))
				pass(row.long)
				g.join(4, 20, 2) // comes meanwhile
				pass(10 * time.Second)
				g.place(0, registrarAddr(1), memberAddr(1))
				pass(detection)
				g.agreed()
			})
		})
	}
}

// TestMemberOnBothSidesOfAPartition: both sides claim it, and it follows the last.
func TestElementsChangeSidesInAPartition(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		g.place(1, registrarAddr(1)) // its member stays with the others
		pass(detection)
		g.place(0, registrarAddr(1))
		pass(detection)
		g.agreed()
	})
}

func TestFalseAlarmTakesNobodyOver(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		three(g)
		// 1 and 2 do not reach each other, but 3 hears both.
		g.split(registrarAddr(1), registrarAddr(2))
		pass(2 * detection)
		for _, r := range g.registrars {
			if n := r.Stats().Takeovers; n != 0 {
				t.Errorf("%s took over a registrar that lives", r.ServerID())
			}
		}
		g.unsplit()
		pass(detection)
		g.agreed()
	})
}

func TestSimultaneousTakeoversAreArbitrated(t *testing.T) {
	for name, arbitration := range map[string]registrar.Arbitration{"RFC 5353": registrar.LargerIDWins, "rsplib": registrar.SmallerIDWins} {
		t.Run(name, func(t *testing.T) {
			inGroup(t, func(c *registrar.Config) { c.Arbitration = arbitration }, func(g *group) {
				three(g)
				g.kill(1, false) // 2 and 3 heard it at the same instant, and miss it at the same instant
				pass(detection)
				g.agreed()
				// Who wins depends on whose message is first; TestArbitration has them cross.
				if n := g.registrars[registrarAddr(2)].Stats().Takeovers + g.registrars[registrarAddr(3)].Stats().Takeovers; n != 1 {
					t.Errorf("%d takeovers, want one", n)
				}
			})
		})
	}
}

// TestGroupThatKnowsOnlyItsMentor: the third learns of the second from the list (RFC 5353
// section 3.2.2.2), so that one of them takes the mentor over and not both.
func TestGroupThatKnowsOnlyItsMentor(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		g.start(1)
		pass(time.Second)
		g.start(2, 1)
		pass(time.Second)
		g.start(3, 1)
		pass(10 * time.Second)
		g.join(1, 50, 1, 2, 3)
		g.join(2, 50, 2, 3)
		pass(time.Second)
		g.agreed()
		g.kill(1, false)
		pass(detection)
		g.agreed()
		takeovers := uint64(0)
		for _, r := range g.registrars {
			takeovers += r.Stats().Takeovers
		}
		if takeovers != 1 {
			t.Errorf("%d takeovers, want one", takeovers)
		}
	})
}

func TestGroupInClear(t *testing.T) {
	inGroup(t, func(c *registrar.Config) {
		c.Mode, c.Keys, c.Credential = registrar.Insecure, nil, nil
		c.Doors[0].Secured = false
	}, func(g *group) {
		three(g)
		g.kill(2, false)
		pass(detection)
		g.agreed()
	})
}

// TestThousandElements: kill, restart and a partition, one after the other.
func TestThousandElements(t *testing.T) {
	inGroup(t, nil, func(g *group) {
		g.start(1, 2, 3)
		pass(30 * time.Second)
		g.start(2, 1, 3)
		g.start(3, 1, 2)
		pass(30 * time.Second)
		for i := 1; i <= maxMembers; i++ {
			g.join(i, 125, 1+i%3, 1+(i+1)%3, 1+(i+2)%3)
		}
		pass(10 * time.Second)
		g.agreed()
		g.kill(2, false)
		pass(detection)
		g.agreed()
		g.place(0, registrarAddr(2))
		g.start(2, 1, 3)
		pass(detection)
		g.agreed()
		g.place(1, registrarAddr(3), memberAddr(2), memberAddr(5))
		pass(detection)
		g.place(0, registrarAddr(3), memberAddr(2), memberAddr(5))
		pass(detection)
		g.agreed()
	})
}
