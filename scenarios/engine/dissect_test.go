// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outline writes fields a line each: indented by depth, with the place of their bytes.
func outline(fields []reports.Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s%s", strings.Repeat(" ", f.Depth), f.Name)
		if f.Value != "" {
			fmt.Fprintf(&b, " = %s", f.Value)
		}
		fmt.Fprintf(&b, " [%d+%d]\n", f.At, f.Length)
	}
	return b.String()
}

const registration = "01000038 0009000c 4563686f 506f6f6c 000a0028 12345678 00000000 0000001e 00040010 12670000 00010008 0a000001 00080008 00000001"

// TestFieldsStandBesideTheirBytes: the layouts are those of RFC 5352 to 5354, read by hand.
func TestFieldsStandBesideTheirBytes(t *testing.T) {
	for _, row := range []struct {
		name     string
		protocol wire.Protocol
		bytes    string
		want     string
	}{
		{"registration", wire.ASAP, registration, `message type = 0x01, ASAP_REGISTRATION [0+1]
flags = 0x00 [1+1]
message length = 56 [2+2]
pool handle = "EchoPool" [4+12]
pool element [16+40]
 PE identifier = 0x12345678 [20+4]
 home server ID = 0x00000000 [24+4]
 registration life = 30 [28+4]
 SCTP transport [32+16]
  port = 4711 [36+2]
  transport use = 0, data [38+2]
  IPv4 address = 10.0.0.1 [40+8]
 policy = RR [48+8]
  policy type = 0x00000001 [52+4]
`},
		{"rejection", wire.ASAP, "03010020 0009000c 4563686f 506f6f6c 000e0008 12345678 000c0008 000a0004", `message type = 0x03, ASAP_REGISTRATION_RESPONSE [0+1]
flags = 0x01, reject [1+1]
message length = 32 [2+2]
pool handle = "EchoPool" [4+12]
PE identifier = 0x12345678 [16+8]
operation error [24+8]
 cause = 0xa, rejected due to security considerations [28+4]
`},
		{"takeover", wire.ENRP, "07000010 55667788 00000000 0a0b0c0d", `message type = 0x07, ENRP_INIT_TAKEOVER [0+1]
flags = 0x00 [1+1]
message length = 16 [2+2]
sender ID = 0x55667788 [4+4]
receiver ID = 0x00000000 [8+4]
target ID = 0x0a0b0c0d [12+4]
`},
		{"padding behind the message", wire.ASAP, "0500000d 00090009 6162636465 000000", `message type = 0x05, ASAP_HANDLE_RESOLUTION [0+1]
flags = 0x00 [1+1]
message length = 13 [2+2]
pool handle = "abcde" [4+9]
padding = 000000 [13+3]
`},
		{"parameter longer than the message", wire.ASAP, "05000010 0009ffff 4563686f 506f6f6c", `message type = 0x05, ASAP_HANDLE_RESOLUTION [0+1]
flags = 0x00 [1+1]
message length = 16 [2+2]
pool handle = says that it is 65535 bytes long; there are 12 [4+12]
`},
		{"message shorter than it says", wire.ASAP, "0500ffff 00090005 ff", `message type = 0x05, ASAP_HANDLE_RESOLUTION [0+1]
flags = 0x00 [1+1]
message length = 65535, but 9 bytes are there [2+2]
pool handle = ff [4+5]
`},
		{"no header", wire.ENRP, "0100", "truncated header = 0100 [0+2]\n"},
		{"nothing", wire.ENRP, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := outline(dissect(row.protocol, fromHex(t, row.bytes))); got != row.want {
				t.Errorf("got\n%swant\n%s", got, row.want)
			}
		})
	}
}

// FuzzDissect: whatever a system sends, the fields lie within its bytes and their number is bounded.
func FuzzDissect(f *testing.F) {
	whole := fromHex(f, registration)
	for n := range len(whole) {
		f.Add(uint8(wire.ASAP), whole[:n])
		f.Add(uint8(wire.ENRP), whole[n:])
	}
	f.Add(uint8(wire.ENRP), fromHex(f, "03030014 55667788 00000000"+strings.Repeat("0009000500000000", 8000)))
	f.Add(uint8(wire.ASAP), fromHex(f, "0e00ffff"+strings.Repeat("000cffff", 4000)))
	f.Fuzz(func(t *testing.T, protocol uint8, b []byte) {
		fields := dissect(wire.Protocol(protocol), b)
		if len(fields) > maxFields {
			t.Errorf("%d fields", len(fields))
		}
		for _, field := range fields {
			if field.At < 0 || field.Length < 0 || field.At+field.Length > len(b) {
				t.Errorf("%+v is not within %d bytes", field, len(b))
			}
		}
	})
}
