// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// tsharkFields are what is compared, for each protocol, in the order of readings.
var tsharkFields = []string{
	"pool_handle_pool_handle", "pool_element_pe_identifier", "pool_element_home_enrp_server_identifier",
	"pool_element_registration_life", "pool_member_selection_policy_type", "ipv4_address", "ipv6_address",
}

// dissection is what tshark says about a message.
type dissection struct {
	complaint string
	values    []string // of tsharkFields, each a list
}

// dissections has tshark dissect the messages, each in an SCTP packet of its own.
func dissections(t *testing.T, list []specimen) []dissection {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Fatalf("%v; install it: apt-get install tshark", err)
	}
	args := []string{
		"-n", "-r", packets(t, list), "-T", "fields", "-E", "separator=;", "-E", "occurrence=a",
		"-e", "_ws.malformed", "-e", "_ws.expert.message",
	}
	for _, p := range protocols {
		for _, field := range tsharkFields {
			args = append(args, "-e", p.String()+"."+field)
		}
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var rows []dissection
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimRight(line, "\n"), ";")
		values := columns[2:]
		if len(rows) < len(list) && list[len(rows)].protocol == wire.ENRP {
			values = values[len(tsharkFields):]
		}
		rows = append(rows, dissection{strings.Join(columns[:2], ""), values[:len(tsharkFields)]})
	}
	if len(rows) != len(list) {
		t.Fatalf("%d packets dissected of %d", len(rows), len(list))
	}
	return rows
}

// packets writes the messages to a capture.
func packets(t *testing.T, list []specimen) string {
	t.Helper()
	var out bytes.Buffer
	w := pcapgo.NewWriter(&out)
	if err := w.WriteFileHeader(1<<17, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	buffer := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	for i, s := range list {
		err := gopacket.SerializeLayers(buffer, o,
			&layers.IPv4{
				Version: 4, TTL: 64, Protocol: layers.IPProtocolSCTP,
				SrcIP: net.IPv4(10, 1, byte(i>>8), byte(i)), DstIP: net.IPv4(10, 0, 0, 1),
			},
			&layers.SCTP{SrcPort: 20000, DstPort: 20001, VerificationTag: uint32(i + 1)},
			&layers.SCTPData{
				SCTPChunk:     layers.SCTPChunk{Type: layers.SCTPChunkTypeData},
				BeginFragment: true, EndFragment: true, TSN: 1, PayloadProtocol: layers.SCTPPayloadProtocol(s.protocol.PPID()),
			},
			gopacket.Payload(s.bytes))
		if err != nil {
			t.Fatal(err)
		}
		b := buffer.Bytes()
		info := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(b), Length: len(b)}
		if err := w.WritePacket(info, b); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "messages.pcap")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
