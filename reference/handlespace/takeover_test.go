// SPDX-License-Identifier: Apache-2.0

package handlespace

import "testing"

func TestRehomeMovesAllElementsOfAServer(t *testing.T) {
	const other = 7
	s := New(Options{})
	mustRegister(t, s, "EchoPool", pe(0x12345678, homed(peer)), "alice")
	mustRegister(t, s, "a", pe(1), "")
	mustRegister(t, s, "a", pe(2, homed(peer)), "")
	mustRegister(t, s, "b", pe(3, homed(other)), "")
	before, sum := s.Snapshot(), s.Checksum(peer)

	moved := s.Rehome(peer, own)
	expectIDs(t, "moved", ids(moved, idOf), 0x12345678, 2)
	for _, c := range before.Diff(s.Snapshot(), FieldHome) {
		t.Error(c)
	}
	if s.Owned(own) != 3 || s.Owned(peer) != 0 || s.Checksum(peer) != 0xffff || moved[0].PE.Home != own {
		t.Errorf("own %d, peer's %d, peer's checksum %#04x", s.Owned(own), s.Owned(peer), s.Checksum(peer))
	}
	s.Deregister([]byte("a"), 1)
	if got := s.Checksum(own); got != sum {
		t.Errorf("checksum of the elements is %#04x here and was %#04x there", got, sum)
	}
	if again := s.Rehome(peer, own); len(again) > 0 {
		t.Errorf("moved twice: %v", again)
	}
}
