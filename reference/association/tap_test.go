// SPDX-License-Identifier: Apache-2.0

package association

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// recording is a Tap that keeps everything.
type recording struct {
	mu      sync.Mutex
	records []Record
}

func (r *recording) Record(x Record) {
	x.Data = slices.Clone(x.Data)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, x)
}

func (r *recording) all() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// pcap writes packets of SCTP as a capture of IP packets.
func (r *recording) pcap(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tap.pcap")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(1<<16, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	for _, x := range r.all() {
		src, dst := x.Local, x.Remote
		if !x.Outbound {
			src, dst = dst, src
		}
		ip := &layers.IPv4{
			Version: 4, TTL: 64, Protocol: layers.IPProtocolSCTP,
			SrcIP: src.Addr().AsSlice(), DstIP: dst.Addr().AsSlice(),
		}
		stack := []gopacket.SerializableLayer{ip}
		if x.Transport == SCTPUDP {
			ip.Protocol = layers.IPProtocolUDP
			udp := &layers.UDP{SrcPort: layers.UDPPort(src.Port()), DstPort: layers.UDPPort(dst.Port())}
			if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
				t.Fatal(err)
			}
			stack = append(stack, udp)
		}
		buf := gopacket.NewSerializeBuffer()
		o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(buf, o, append(stack, gopacket.Payload(x.Data))...); err != nil {
			t.Fatal(err)
		}
		b := buf.Bytes()
		ci := gopacket.CaptureInfo{Timestamp: x.Time, CaptureLength: len(b), Length: len(b)}
		if err := w.WritePacket(ci, b); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// tshark returns the fields of the packets of a capture that match a filter.
func tshark(t *testing.T, file, filter string, fields ...string) [][]string {
	t.Helper()
	args := []string{"-r", file, "-o", "sctp.checksum:CRC-32c", "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var stderr bytes.Buffer
	c := exec.Command("tshark", args...)
	c.Stderr = &stderr
	c.Env = append(os.Environ(), "HOME="+t.TempDir()) // no preferences of the user
	out, err := c.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, stderr.Bytes())
	}
	var rows [][]string
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}

func TestTsharkReadsWhatTheTapRecorded(t *testing.T) {
	for _, tr := range []Transport{SCTPUDP, SCTP} {
		for _, at := range []string{"private stack", "shared stack", "dialer on a shared stack", "listener"} {
			t.Run(string(tr)+"/"+at, func(t *testing.T) {
				var tap recording
				b := newBed(t, tr, "clear", func(d *Dialer, c *ListenConfig) {
					switch at {
					case "private stack":
						d.Tap = &tap
					case "shared stack":
						d.Stack = newStack(t, tr, &tap)
					case "dialer on a shared stack":
						d.Tap, d.Stack = &tap, newStack(t, tr, nil)
					case "listener":
						c.Tap = &tap
					}
				})
				client, server := b.dial(t)
				send(t, client, 100, 5)
				want(t, server, 100, 5)
				send(t, server, 5000, 6)
				want(t, client, 5000, 6)
				closeNow(t, client)
				<-server.Done()

				file := tap.pcap(t)
				if bad := tshark(t, file, "!sctp or sctp.checksum.status != 1 or (_ws.malformed and !asap)", "frame.number"); len(bad) != 0 {
					t.Errorf("packets that are not whole SCTP: %v", bad)
				}
				rows := tshark(t, file, "sctp.dstport == 3863 and sctp.chunk_type == 0",
					"ip.dst", "sctp.data_payload_proto_id", "asap.message_length")
				remote := b.listener.Addr().Addr().String()
				if len(rows) != 1 || rows[0][0] != remote || rows[0][1] != "11" || rows[0][2] != "100" {
					t.Errorf("DATA to the server: %v", rows)
				}
				seen := map[string]bool{}
				for _, row := range tshark(t, file, "sctp", "sctp.chunk_type") {
					for _, typ := range strings.Split(row[0], ",") {
						seen[typ] = true
					}
				}
				for _, typ := range []string{"0", "1", "2", "3", "7", "8", "10", "11", "14"} {
					if !seen[typ] {
						t.Errorf("no chunk of type %s", typ)
					}
				}
			})
		}
	}
}

func TestTapHidesNothingOfTLS(t *testing.T) {
	var tap recording
	client, server := newBed(t, SCTPUDP, "psk", func(d *Dialer, _ *ListenConfig) { d.Tap = &tap }).dial(t)
	send(t, client, 100, 5)
	want(t, server, 100, 5)
	closeNow(t, client)
	rows := tshark(t, tap.pcap(t), "sctp.chunk_type == 0", "sctp.data_payload_proto_id", "sctp.data_sid")
	for _, row := range rows {
		if strings.Trim(row[0], "0,") != "" || strings.Trim(row[1], "0x,") != "" {
			t.Errorf("PPID %s on stream %s, want 0 on 0", row[0], row[1])
		}
	}
	for _, x := range tap.all() {
		if bytes.Contains(x.Data, message(100, 5)[4:]) {
			t.Errorf("clear text in %s", hex.EncodeToString(x.Data))
		}
	}
}

func TestTapOfTCP(t *testing.T) {
	var client, server recording
	b := newBed(t, TCP, "clear", func(d *Dialer, c *ListenConfig) { d.Tap, c.Tap = &client, &server })
	a, peer := b.dial(t)
	for i := range byte(3) {
		send(t, a, 100, i)
		want(t, peer, 100, i)
		send(t, peer, 50000, i)
		want(t, a, 50000, i)
	}
	closeNow(t, a)
	<-peer.Done()
	for name, c := range map[string]struct {
		tap       *recording
		from, to  Info
		out, in   int
		opened    bool
		lastKinds string
	}{
		"client": {&client, a.Info(), peer.Info(), 100, 50000, true, "close"},
		"server": {&server, peer.Info(), a.Info(), 50000, 100, false, "close"},
	} {
		all := c.tap.all()
		if all[0].Kind != RecordOpen || all[0].Outbound != c.opened {
			t.Errorf("%s: first %v", name, all[0])
		}
		var data [2]bytes.Buffer
		closes := 0
		for _, x := range all {
			dir := 0
			if x.Outbound {
				dir = 1
			}
			if x.Transport != TCP || x.Local != c.from.Local || x.Remote != c.from.Remote || x.Time.IsZero() {
				t.Errorf("%s: record %+v", name, x)
			}
			switch x.Kind {
			case RecordData:
				data[dir].Write(x.Data)
			case RecordClose:
				closes++
			case RecordReset:
				t.Errorf("%s: reset", name)
			}
		}
		var out, in []byte
		for i := range byte(3) {
			out = append(out, message(c.out, i)...)
			in = append(in, message(c.in, i)...)
		}
		if !bytes.Equal(data[0].Bytes(), in) || !bytes.Equal(data[1].Bytes(), out) || closes != 2 {
			t.Errorf("%s: %d in, %d out, %d closes", name, data[0].Len(), data[1].Len(), closes)
		}
	}
}

func TestTapSeesResets(t *testing.T) {
	var client, server recording
	b := newBed(t, TCP, "clear", func(d *Dialer, c *ListenConfig) { d.Tap, c.Tap = &client, &server })
	a, peer := b.dial(t)
	_ = a.Abort("test")
	<-peer.Done()
	for name, tap := range map[string]*recording{"client": &client, "server": &server} {
		all := tap.all()
		if last := all[len(all)-1]; len(all) != 2 || last.Kind != RecordReset || last.Outbound != (name == "client") {
			t.Errorf("%s: %+v", name, all)
		}
	}
}
