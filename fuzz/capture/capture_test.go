// SPDX-License-Identifier: Apache-2.0

package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/rspthreat/rspthreat/fuzz/capture"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// file is a capture that a test writes.
type file struct {
	t *testing.T
	b bytes.Buffer
	w *pcapgo.NgWriter
	n int
}

func newFile(t *testing.T) *file {
	f := &file{t: t}
	var err error
	if f.w, err = pcapgo.NewNgWriter(&f.b, layers.LinkTypeRaw); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *file) packet(protocol layers.IPProtocol, list ...gopacket.SerializableLayer) {
	f.t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: protocol, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
	for _, l := range list {
		if t, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := t.SetNetworkLayerForChecksum(ip); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	buffer := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, append([]gopacket.SerializableLayer{ip}, list...)...); err != nil {
		f.t.Fatal(err)
	}
	f.n++
	b := buffer.Bytes()
	if err := f.w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(int64(f.n), 0), CaptureLength: len(b), Length: len(b)}, b); err != nil {
		f.t.Fatal(err)
	}
}

func (f *file) read(o capture.Options) *capture.Result {
	f.t.Helper()
	if err := f.w.Flush(); err != nil {
		f.t.Fatal(err)
	}
	r, err := capture.Read(bytes.NewReader(f.b.Bytes()), o)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func message(handle string) []byte {
	b, _ := wire.Encode(&wire.HandleResolution{PoolHandle: wire.PoolHandle(handle)})
	return b
}

// segment is a TCP segment to port to.
func (f *file) segment(seq uint32, to uint16, syn bool, payload []byte) {
	f.packet(layers.IPProtocolTCP, &layers.TCP{SrcPort: 5000, DstPort: layers.TCPPort(to), Seq: seq, SYN: syn, ACK: !syn, Window: 1000}, gopacket.Payload(payload))
}

// chunk is an SCTP packet with one DATA chunk (RFC 9260 section 3.3.1).
func chunk(to uint16, tsn uint32, flags byte, ppid uint32, payload []byte) gopacket.Payload {
	b := binary.BigEndian.AppendUint16(nil, 6000)
	b = binary.BigEndian.AppendUint16(b, to)
	b = binary.BigEndian.AppendUint32(b, 0x11223344) // verification tag
	b = binary.BigEndian.AppendUint32(b, 0)          // checksum, which nobody looks at
	const header = 16
	b = append(b, 0, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(header+len(payload)))
	b = binary.BigEndian.AppendUint32(b, tsn)
	b = binary.BigEndian.AppendUint32(b, 0) // stream and its sequence number
	b = binary.BigEndian.AppendUint32(b, ppid)
	b = append(b, payload...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Flags of a DATA chunk.
const (
	end   = 1
	begin = 2
)

func TestMessagesAreTakenOutOfSegmentsAndFragments(t *testing.T) {
	f := newFile(t)
	one, two, three, four, five := message("one"), message("another"), message("in TCP"), message("in UDP"), message("elsewhere")
	// A message in three fragments, out of order and once more.
	f.packet(layers.IPProtocolSCTP, chunk(3863, 7, end, wire.PPIDASAP, one[8:]))
	f.packet(layers.IPProtocolSCTP, chunk(3863, 5, begin, wire.PPIDASAP, one[:4]))
	f.packet(layers.IPProtocolSCTP, chunk(3863, 5, begin, wire.PPIDASAP, one[:4]))
	f.packet(layers.IPProtocolSCTP, chunk(3863, 6, 0, wire.PPIDASAP, one[4:8]))
	f.packet(layers.IPProtocolSCTP, chunk(9999, 8, begin|end, wire.PPIDENRP, two)) // whatever the port
	f.packet(layers.IPProtocolSCTP, chunk(9999, 9, begin|end, 46, message("somebody else's")))
	f.packet(layers.IPProtocolSCTP, chunk(3863, 10, begin, wire.PPIDASAP, one)) // its end is lost
	// Two messages in a stream, the second segment before the first.
	stream := append(append([]byte{}, three...), one...)
	f.segment(100, 3863, true, nil)
	f.segment(101+6, 3863, false, stream[6:])
	f.segment(101, 3863, false, stream[:6])
	f.segment(101, 3863, false, stream[:6])
	f.packet(layers.IPProtocolUDP, &layers.UDP{SrcPort: 40000, DstPort: 9899}, chunk(3863, 1, begin|end, wire.PPIDASAP, four))
	f.segment(200, 7777, true, nil)
	f.segment(201, 7777, false, five)
	f.segment(300, 3864, true, nil)
	f.segment(301, 3864, false, []byte{0x16, 3, 1, 0, 4, 1, 2, 3, 4})

	r := f.read(capture.Options{ASAP: []uint16{7777, 3864}})
	want := []capture.Message{{wire.ASAP, one}, {wire.ENRP, two}, {wire.ASAP, three}, {wire.ASAP, four}, {wire.ASAP, five}}
	if diff := cmp.Diff(want, r.Messages); diff != "" {
		t.Error(diff)
	}
	if r.Repeated != 1 || r.Lost != 1 || r.Secured != 1 || r.Packets != f.n {
		t.Errorf("%d repeated, %d with gaps, %d of TLS, %d of %d packets", r.Repeated, r.Lost, r.Secured, r.Packets, f.n)
	}
	if r := f.read(capture.Options{}); len(r.Messages) != 4 || !slices.Equal(r.Elsewhere, []uint16{3864, 5000}) {
		t.Errorf("%d messages at the well-known ports, others at %d", len(r.Messages), r.Elsewhere)
	}
}

func TestWhatIsNoCaptureIsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("text"), {0x0a, 0x0d, 0x0d, 0x0a, 1, 2, 3, 4, 5}} {
		if _, err := capture.Read(bytes.NewReader(b), capture.Options{}); !errors.Is(err, capture.ErrFormat) {
			t.Errorf("%q: %v", b, err)
		}
	}
	// A capture that ends within a packet is worth what was before.
	f := newFile(t)
	f.packet(layers.IPProtocolSCTP, chunk(3863, 1, begin|end, wire.PPIDASAP, message("whole")))
	f.packet(layers.IPProtocolSCTP, chunk(3863, 2, begin|end, wire.PPIDASAP, message("cut")))
	if err := f.w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := capture.Read(bytes.NewReader(f.b.Bytes()[:f.b.Len()-40]), capture.Options{})
	if err != nil || len(r.Messages) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
