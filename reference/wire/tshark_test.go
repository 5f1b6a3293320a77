// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
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
	"pgregory.net/rapid"
)

// specimen is a message in a capture and what tshark should say about it.
type specimen struct {
	name    string
	message Message
	bytes   []byte
	tcp     bool
}

// generatedPerKind is how many messages of each kind tshark sees, over SCTP and TCP.
const generatedPerKind = 12

// specimens returns the vectors and generated messages of all kinds.
func specimens(t *testing.T) []specimen {
	var list []specimen
	add := func(name string, m Message, b []byte) {
		list = append(list, specimen{name, m, b, false})
		if m.Protocol() == ASAP { // ENRP runs over SCTP only
			list = append(list, specimen{name + " over TCP", m, b, true})
		}
	}
	for _, v := range loadVectors(t) {
		add(v.name, decodeOK(t, v.protocol, Lenient(), v.bytes), v.bytes)
	}
	for preset, o := range map[string]Options{"strict": Strict(), "rsplib": Rsplib()} {
		for _, p := range []Protocol{ASAP, ENRP} {
			for _, typ := range MessageTypes(p) {
				if o.NoBusinessCard && p == ASAP && typ == TypeBusinessCard {
					continue
				}
				generator := rapid.Custom(func(t *rapid.T) Message { return draw{t, &o}.message(p, typ) })
				for i := range generatedPerKind {
					m := generator.Example(i)
					b, err := m.Append(nil, &o)
					if err != nil {
						t.Fatalf("%+v: %v", m, err)
					}
					add(fmt.Sprintf("%s %s %d", preset, m.Name(), i), m, b)
				}
			}
		}
	}
	return list
}

// capture writes the specimens to a file, each in a connection of its own.
func capture(t *testing.T, list []specimen) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "messages.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(1<<17, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	for i, s := range list {
		b := packet(t, i, s)
		info := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(b), Length: len(b)}
		if err := w.WritePacket(info, b); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// packet is the specimen in IP and SCTP or TCP.
func packet(t *testing.T, i int, s specimen) []byte {
	t.Helper()
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolSCTP,
		SrcIP: net.IPv4(10, 1, byte(i>>8), byte(i)), DstIP: net.IPv4(10, 0, 0, 1),
	}
	stack := []gopacket.SerializableLayer{ip}
	if s.tcp {
		ip.Protocol = layers.IPProtocolTCP
		tcp := &layers.TCP{SrcPort: 20000, DstPort: layers.TCPPort(PortASAP), Seq: 1, Ack: 1, ACK: true, PSH: true, Window: 65535}
		if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
			t.Fatal(err)
		}
		stack = append(stack, tcp)
	} else {
		stack = append(stack,
			&layers.SCTP{SrcPort: 20000, DstPort: 20001, VerificationTag: uint32(i + 1)},
			&layers.SCTPData{
				SCTPChunk:     layers.SCTPChunk{Type: layers.SCTPChunkTypeData},
				BeginFragment: true, EndFragment: true, TSN: 1, PayloadProtocol: layers.SCTPPayloadProtocol(s.message.Protocol().PPID()),
			})
	}
	buffer := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, o, append(stack, gopacket.Payload(s.bytes))...); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// tshark dissects the capture and returns the fields of each packet.
func tshark(t *testing.T, file string, fields ...string) [][]string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Fatalf("%v; install it: apt-get install tshark", err)
	}
	args := []string{"-n", "-r", file, "-T", "fields", "-E", "separator=;", "-E", "occurrence=a"}
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), ";"))
	}
	return rows
}

// What Wireshark 4.0 does not know is no reason to leave a message out: the
// Opaque Transport parameter and policies for private use are shown without
// meaning, the S and A flags not at all, and the registration life is shown as
// if it were in milliseconds.
func TestWiresharkUnderstandsWhatIsEncoded(t *testing.T) {
	list := specimens(t)
	fields := []string{"_ws.malformed", "_ws.expert.message"}
	for _, p := range []Protocol{ASAP, ENRP} {
		for _, field := range comparedFields {
			fields = append(fields, p.String()+"."+field)
		}
	}
	rows := tshark(t, capture(t, list), fields...)
	if len(rows) != len(list) {
		t.Fatalf("%d packets dissected of %d", len(rows), len(list))
	}
	for i, s := range list {
		if rows[i][0] != "" || rows[i][1] != "" {
			t.Errorf("%s: malformed %q, expert %q: %x", s.name, rows[i][0], rows[i][1], s.bytes)
		}
		values := rows[i][2:]
		if s.message.Protocol() == ENRP {
			values = values[len(comparedFields):]
		}
		for j, want := range s.fields() {
			if got := values[j]; got != want && !(carriesCauses(s.message) && strings.HasPrefix(got, want)) {
				t.Errorf("%s: %s is %q, want %q: %x", s.name, comparedFields[j], got, want, s.bytes)
			}
		}
	}
}

func TestWiresharkNoticesWhatIsMalformed(t *testing.T) {
	list := []specimen{{"length", &Cookie{}, RawMessage(TypeCookie).Add(rawCookie().AddLength(100)).Bytes(), false}}
	if rows := tshark(t, capture(t, list), "_ws.malformed"); len(rows) != 1 || rows[0][0] == "" {
		t.Errorf("dissected without complaint: %v", rows)
	}
}

// comparedFields are the fields of both dissectors whose values are compared.
var comparedFields = []string{
	"message_type", "message_length", "pool_handle_pool_handle", "pool_element_pe_identifier",
	"pool_element_home_enrp_server_identifier", "pool_member_selection_policy_type", "ipv4_address", "ipv6_address",
}
