// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

// The checksum's length is 6 and two bytes of padding follow, which are the
// last of the message if there is no server information.
func TestPEChecksumPadding(t *testing.T) {
	m := &Presence{Sender: peerServer, Receiver: ownServer, Checksum: 0x29a5, HasChecksum: true}
	alone := rawENRP(TypePresence).Add(rawSum())
	if b := alone.Bytes(); b[3] != 18 || len(b) != 20 {
		t.Fatalf("%x", b)
	}
	checkBytes(t, Strict(), m, alone)
	checkDecodes(t, Strict(), alone, m)
	checkDecodes(t, Strict(), rawENRP(TypePresence).CoverPadding().Add(rawSum()), m)
}

func TestPEChecksumHasTwoBytes(t *testing.T) {
	raw := rawENRP(TypePresence).Add(RawParameter(ParameterPEChecksum).Put32(1))
	checkRefused(t, ENRP, Lenient(), raw, ErrLength, "ENRP_PRESENCE: PE checksum at 12: length 0x8: wrong length")
}
