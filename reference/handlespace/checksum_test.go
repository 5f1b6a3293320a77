// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"bytes"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// internetChecksum is RFC 1071 section 4.1 with the carry added at each step, of a
// slice of blocks that are padded to four bytes each.
func internetChecksum(blocks ...[]byte) uint16 {
	var sum uint32
	for _, b := range blocks {
		b = append(bytes.Clone(b), make([]byte, -len(b)&3)...)
		for ; len(b) > 0; b = b[2:] {
			sum += uint32(b[0])<<8 | uint32(b[1])
			if sum > 0xffff {
				sum -= 0xffff
			}
		}
	}
	return ^uint16(sum)
}

// TestChecksumVectors are the sums that rsplib 3.5.10 sent for the same elements.
func TestChecksumVectors(t *testing.T) {
	s := New(Options{})
	steps := []struct {
		handle string
		id     wire.PEID
		want   uint16
	}{
		{"EchoPool", 0x12345678, 0x29a5}, {"abc", 1, 0x6541}, {"abcde", 0xdeadbeef, 0x9ddc}, {"x", 0xffffffff, 0x25dc},
	}
	if got := s.Checksum(own); got != 0xffff {
		t.Errorf("without elements: %#04x", got)
	}
	for _, step := range steps {
		mustRegister(t, s, step.handle, pe(step.id), "")
		mustRegister(t, s, step.handle, pe(step.id), "") // once more changes nothing
		if got := s.Checksum(own); got != step.want {
			t.Errorf("with %s: got %#04x, want %#04x", step.handle, got, step.want)
		}
	}
	for i := len(steps) - 1; i > 0; i-- {
		s.Deregister([]byte(steps[i].handle), steps[i].id)
		if got := s.Checksum(own); got != steps[i-1].want {
			t.Errorf("without %s: got %#04x, want %#04x", steps[i].handle, got, steps[i-1].want)
		}
	}
}

func TestChecksumFollowsTheHomeServer(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "EchoPool", pe(0x12345678, homed(peer)), "")
	if s.Checksum(own) != 0xffff || s.Checksum(peer) != 0x29a5 {
		t.Errorf("own %#04x, peer's %#04x", s.Checksum(own), s.Checksum(peer))
	}
	mustRegister(t, s, "EchoPool", pe(0x12345678), "")
	if s.Checksum(own) != 0x29a5 || s.Checksum(peer) != 0xffff {
		t.Errorf("own %#04x, peer's %#04x", s.Checksum(own), s.Checksum(peer))
	}
}

// TestChecksumKeepsCarries takes words that sum far beyond 2^32, where rsplib's
// sum of 32 bits differs from RFC 1071.
func TestChecksumKeepsCarries(t *testing.T) {
	s := New(Options{})
	handle := bytes.Repeat([]byte{0xff, 0xfe}, 32_000)
	var blocks [][]byte
	for id := range wire.PEID(10) {
		mustRegister(t, s, string(handle), pe(id<<20|id), "")
		blocks = append(blocks, handle, []byte{byte(id >> 4), byte(id << 4), 0, byte(id)})
		if got, want := s.Checksum(own), internetChecksum(blocks...); got != want {
			t.Fatalf("with %d elements: got %#04x, want %#04x", id+1, got, want)
		}
	}
}
