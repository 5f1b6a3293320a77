// SPDX-License-Identifier: Apache-2.0

package handlespace

import "testing"

func TestSweepRemovesWhatWasNotConfirmed(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "a", pe(1, homed(peer)), "")
	mustRegister(t, s, "a", pe(2, homed(peer)), "")
	mustRegister(t, s, "a", pe(3), "")
	mustRegister(t, s, "b", pe(4, homed(peer)), "")
	mustRegister(t, s, "b", pe(5, homed(7)), "")
	s.Mark(7) // another audit at the same time
	s.Mark(peer)
	mustRegister(t, s, "a", pe(2, homed(peer)), "") // confirmed
	mustRegister(t, s, "a", pe(6, homed(peer)), "") // new
	mustRegister(t, s, "b", pe(4), "")              // moved to us
	expectIDs(t, "swept", ids(s.Sweep(peer), idOf), 1)
	expectIDs(t, "swept again", ids(s.Sweep(peer), idOf))
	if s.Len() != 5 || s.Owned(peer) != 2 {
		t.Errorf("%d elements, %d of the peer", s.Len(), s.Owned(peer))
	}
}

func TestSweepSparesWhatWasTakenOverMeanwhile(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "a", pe(1, homed(peer)), "")
	s.Mark(peer)
	s.Rehome(peer, 7)
	expectIDs(t, "swept", ids(s.Sweep(7), idOf))
}
