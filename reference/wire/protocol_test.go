// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

// RFC 5352 section 5 and RFC 5353 section 5, and the IANA port registry.
func TestProtocolNumbers(t *testing.T) {
	if ASAP.PPID() != 11 || ENRP.PPID() != 12 || Protocol(0).PPID() != 0 {
		t.Errorf("PPIDs %d and %d", ASAP.PPID(), ENRP.PPID())
	}
	for _, p := range []Protocol{ASAP, ENRP} {
		if got, ok := ProtocolOf(p.PPID()); got != p || !ok {
			t.Errorf("PPID %d is %v", p.PPID(), got)
		}
	}
	if p, ok := ProtocolOf(0); ok {
		t.Errorf("PPID 0 is %v", p)
	}
	if ports := [4]uint16{PortASAP, PortASAPTLS, PortENRP, PortENRPTLS}; ports != [4]uint16{3863, 3864, 9901, 9902} {
		t.Errorf("ports %v", ports)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		ASAP.String():         "asap",
		ENRP.String():         "enrp",
		Protocol(3).String():  "protocol 3",
		ServerID(10).String(): "0x0000000a",
		testPE.String():       "0x12345678",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
