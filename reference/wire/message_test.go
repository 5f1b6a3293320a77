// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"
)

// RFC 5352 and RFC 5353, figure 1 of each section 2.
var registeredMessages = map[Protocol]map[uint8]string{
	ASAP: {
		0x01: "ASAP_REGISTRATION", 0x02: "ASAP_DEREGISTRATION", 0x03: "ASAP_REGISTRATION_RESPONSE",
		0x04: "ASAP_DEREGISTRATION_RESPONSE", 0x05: "ASAP_HANDLE_RESOLUTION", 0x06: "ASAP_HANDLE_RESOLUTION_RESPONSE",
		0x07: "ASAP_ENDPOINT_KEEP_ALIVE", 0x08: "ASAP_ENDPOINT_KEEP_ALIVE_ACK", 0x09: "ASAP_ENDPOINT_UNREACHABLE",
		0x0a: "ASAP_SERVER_ANNOUNCE", 0x0b: "ASAP_COOKIE", 0x0c: "ASAP_COOKIE_ECHO", 0x0d: "ASAP_BUSINESS_CARD",
		0x0e: "ASAP_ERROR",
	},
	ENRP: {
		0x01: "ENRP_PRESENCE", 0x02: "ENRP_HANDLE_TABLE_REQUEST", 0x03: "ENRP_HANDLE_TABLE_RESPONSE",
		0x04: "ENRP_HANDLE_UPDATE", 0x05: "ENRP_LIST_REQUEST", 0x06: "ENRP_LIST_RESPONSE", 0x07: "ENRP_INIT_TAKEOVER",
		0x08: "ENRP_INIT_TAKEOVER_ACK", 0x09: "ENRP_TAKEOVER_SERVER", 0x0a: "ENRP_ERROR",
	},
}

func TestMessagesAreTheRegisteredOnes(t *testing.T) {
	for p := range Protocol(4) {
		var types []uint8
		for typ := range 256 {
			typ := uint8(typ)
			m, err := New(p, typ)
			name, registered := registeredMessages[p][typ]
			if !registered {
				if !errors.Is(err, ErrUnknownMessage) || m != nil {
					t.Errorf("%v 0x%02x: %v, %v", p, typ, m, err)
				}
				continue
			}
			types = append(types, typ)
			if err != nil || m.Protocol() != p || m.Type() != typ || m.Name() != name || MessageName(p, typ) != name {
				t.Errorf("%s: %v, %v", name, m, err)
			}
		}
		if got := MessageTypes(p); string(got) != string(types) {
			t.Errorf("%v has types %v, want %v", p, got, types)
		}
	}
}

func TestNameOfUnknownMessage(t *testing.T) {
	if got := MessageName(ENRP, 0x2a); got != "enrp message 0x2a" {
		t.Error(got)
	}
	if got := MessageName(7, 1); got != "protocol 7 message 0x01" {
		t.Error(got)
	}
}
