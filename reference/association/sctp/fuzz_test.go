// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"encoding/hex"
	"testing"
)

// FuzzPacket shows a stranger's packet to everything that reads one.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{
		linuxInit, linuxInit[:70], "d4310f17deadbeef0000000008000004",
		"d4310f17deadbeef00000000050000180001001400000000000000000000000000000000",
		"d4310f17deadbeef0000000006010004", "d4310f17000000000000000002000014a1b2c3d40001a000000affff11223344",
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < minPacketLen {
			return
		}
		b = b[:len(b):len(b)]
		if a := outOfTheBlue(b); a != nil && len(a) != minPacketLen {
			t.Errorf("answer of %d octets", len(a))
		}
		for c := range chunks(b) {
			acknowledges(c, &[nonceLen]byte{})
		}
		n := newNetwork()
		l := n.link("10.0.0.1")
		e := &Endpoint{link: l, local: l.local, paths: map[key]*path{}, tags: map[uint32]*path{}, ports: map[uint16]int{}}
		p, err := e.open(key{l.local.Addr(), sourcePort(b), destinationPort(b)}, e.local, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.tags.own = verificationTag(b)
		p.receive(b, e.local)
		if isInit(b) && len(sanitizeInit(b)) > len(b) {
			t.Error("an INIT grew")
		}
	})
}
