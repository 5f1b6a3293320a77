// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// linuxInit is an INIT as Linux builds it: two IPv4 addresses, the supported
// address types, ECN, FORWARD-TSN and an adaptation indication.
const linuxInit = "d4310f170000000000000000" + // 54321 to 3863
	"0100003ca1b2c3d4" + "0001a000" + "000affff" + "11223344" +
	"000500080a840002" + "000500080a840003" + "000c000600050000" + "80000004" + "c0000004" + "c006000800000000"

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealAgreesWithGopacket(t *testing.T) {
	var buf gopacket.SerializeBuffer = gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.SCTP{SrcPort: 50000, DstPort: 3863, VerificationTag: 0xdeadbeef},
		&layers.SCTPEmptyLayer{SCTPChunk: layers.SCTPChunk{Type: layers.SCTPChunkTypeCookieAck}})
	if err != nil {
		t.Fatal(err)
	}
	want := buf.Bytes()
	got := bytes.Clone(want)
	copy(got, make([]byte, 4))
	copy(got[8:], "junk")
	if intact(got) {
		t.Error("a wrong checksum passed")
	}
	if seal(got, 50000, 3863); !bytes.Equal(got, want) {
		t.Errorf("got %x\nwant %x", got, want)
	}
	if !intact(want) {
		t.Error("a right checksum failed")
	}
}

func TestSanitizeInitKeepsWhatTheEngineKnows(t *testing.T) {
	const header, fixed, kept = "d4310f170000000000000000", "a1b2c3d40001a000000affff11223344", "80000004c0000004"
	for name, c := range map[string]struct{ in, want string }{
		"linux":             {linuxInit, header + "01000024" + fixed + kept + "c006000800000000"},
		"nothing left":      {header + "0100001a" + fixed + "000c000600050000", header + "01000014" + fixed},
		"unpadded last":     {header + "0100001b" + fixed + "0007000761626300", header + "0100001b" + fixed + "0007000761626300"},
		"broken stays":      {header + "0100001c" + fixed + "000c000900050000", header + "0100001c" + fixed + "000c000900050000"},
		"IPv6, host, spare": {header + "0100003c" + fixed + "0006001400000000000000000000000000000001" + "000b000861626300" + "0009000800000001" + "c0000004", header + "01000018" + fixed + "c0000004"},
	} {
		b := unhex(t, c.in)
		if !isInit(b) {
			t.Errorf("%s: not recognised", name)
			continue
		}
		if got := hex.EncodeToString(sanitizeInit(b)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestIsInitWantsTheChunkAlone(t *testing.T) {
	whole := unhex(t, linuxInit)
	bundled := append(bytes.Clone(whole), 11, 0, 0, 4)
	long := bytes.Clone(whole)
	binary.BigEndian.PutUint16(long[initLengthAt:], 0x44)
	for name, b := range map[string][]byte{"short": whole[:30], "cut": whole[:60], "bundled": bundled, "long": long, "other": append(bytes.Clone(whole[:12]), 0)} {
		if isInit(b) {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestInitAddresses(t *testing.T) {
	got := initAddresses(unhex(t, linuxInit))
	want := []netip.Addr{netip.MustParseAddr("10.132.0.2"), netip.MustParseAddr("10.132.0.3")}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHeartbeatIsOneToGopacket(t *testing.T) {
	b := appendHeartbeat(nil, 0x01020304, &[nonceLen]byte{9})
	seal(b, 1, 2)
	p := gopacket.NewPacket(b, layers.LayerTypeSCTP, gopacket.Default)
	h, ok := p.Layer(layers.LayerTypeSCTPHeartbeat).(*layers.SCTPHeartbeat)
	if !ok || p.ErrorLayer() != nil || len(h.Parameters) != 1 || h.Parameters[0].Type != heartbeatInfo {
		t.Fatalf("got %v", p)
	}
}

// RFC 9260 section 8.4.
func TestOutOfTheBlue(t *testing.T) {
	const header = "d4310f17deadbeef00000000"
	const reflected = "00000000deadbeef00000000"
	for name, c := range map[string]struct{ in, want string }{
		"INIT":                {linuxInit, "00000000a1b2c3d40000000006000004"},
		"broken INIT":         {linuxInit[:60], ""},
		"DATA":                {header + "0003001100000001000000000000000b61", ""},
		"whole DATA":          {header + "0003001100000001000000000000000b61000000", reflected + "06010004"},
		"SHUTDOWN ACK":        {header + "08000004", reflected + "0e010004"},
		"ABORT":               {header + "06000004", ""},
		"SHUTDOWN COMPLETE":   {header + "0e000004", ""},
		"ERROR":               {header + "09000004", ""},
		"COOKIE ECHO":         {header + "0a00000461626364", ""},
		"COOKIE ACK":          {header + "0b000004", ""},
		"HEARTBEAT and ABORT": {header + "0400000406000004", ""},
		"nothing":             {header + "00000003", ""},
	} {
		in := unhex(t, c.in)
		if name == "DATA" {
			in = in[:len(in)-1]
		}
		if got := hex.EncodeToString(outOfTheBlue(in)); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
