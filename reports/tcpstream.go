// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

const (
	// maxSegment is below the payload of an Ethernet frame, so that captures look like those of a network.
	maxSegment = 1400
	// ackEvery is how many segments go out before the other side acknowledges: less than the window holds,
	// so that no analyser sees it fill.
	ackEvery  = 32
	tcpWindow = 65535
	// isnStep sets the first sequence numbers of connections apart, so that a reused port is not taken for a retransmission.
	isnStep = 1 << 24

	commentAfterEnd = "recorded after this side of the connection had ended"
)

// emitFunc takes one finished packet and what is to be said about it.
type emitFunc func(packet []byte, comment string) error

// tcpFlows turns what crossed TCP sockets into conversations of segments.
// Sockets do not show headers: handshakes, sequence numbers and acknowledgements are made up, correctly.
type tcpFlows struct {
	flows map[[2]netip.AddrPort]*tcpFlow
	count uint32
	emit  emitFunc
}

// tcpFlow is one connection.
type tcpFlow struct {
	sides [2]tcpSide
	over  bool // reset, or closed by both sides
}

// tcpSide is what one end has sent so far.
type tcpSide struct {
	addr netip.AddrPort
	next uint32 // sequence number of the next byte
	fin  bool
}

func newTCPFlows(emit emitFunc) *tcpFlows {
	return &tcpFlows{flows: map[[2]netip.AddrPort]*tcpFlow{}, emit: emit}
}

// add writes the segments of one frame.
func (t *tcpFlows) add(f *Frame) error {
	key := flowKey(f.Src, f.Dst)
	flow := t.flows[key]
	if flow == nil || f.Kind == FrameOpen {
		comment := "connection was open before recording began"
		if f.Kind == FrameOpen {
			comment = f.Comment
		}
		var err error
		if flow, err = t.open(f.Src, f.Dst, comment); err != nil {
			return err
		}
		t.flows[key] = flow
	}
	me, peer := &flow.sides[0], &flow.sides[1]
	if me.addr != f.Src {
		me, peer = peer, me
	}
	switch f.Kind {
	case FrameData:
		return t.data(flow, me, peer, f)
	case FrameClose:
		return t.fin(flow, me, peer, f.Comment)
	case FrameReset:
		return t.reset(flow, me, peer, f.Comment)
	default:
		return nil
	}
}

func flowKey(a, b netip.AddrPort) [2]netip.AddrPort {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return [2]netip.AddrPort{a, b}
}

// open writes the three segments of a handshake.
func (t *tcpFlows) open(client, server netip.AddrPort, comment string) (*tcpFlow, error) {
	t.count++
	f := &tcpFlow{sides: [2]tcpSide{
		{addr: client, next: t.count * isnStep},
		{addr: server, next: t.count*isnStep + isnStep/2},
	}}
	c, s := &f.sides[0], &f.sides[1]
	if err := t.segment(c, s, flagSYN, nil, comment); err != nil {
		return nil, err
	}
	c.next++
	if err := t.segment(s, c, flagSYN|flagACK, nil, ""); err != nil {
		return nil, err
	}
	s.next++
	return f, t.segment(c, s, flagACK, nil, "")
}

func (t *tcpFlows) data(f *tcpFlow, me, peer *tcpSide, frame *Frame) error {
	comment := frame.Comment
	if f.over || me.fin {
		comment = join(comment, commentAfterEnd)
	}
	data := frame.Data
	for n := 1; len(data) > 0; n++ {
		part := data[:min(len(data), maxSegment)]
		data = data[len(part):]
		flags := flagACK
		if len(data) == 0 {
			flags |= flagPSH
		}
		if err := t.segment(me, peer, flags, part, comment); err != nil {
			return err
		}
		comment = ""
		me.next += uint32(len(part))
		if len(data) == 0 || n%ackEvery == 0 {
			if err := t.segment(peer, me, flagACK, nil, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tcpFlows) fin(f *tcpFlow, me, peer *tcpSide, comment string) error {
	if f.over || me.fin {
		return nil
	}
	if err := t.segment(me, peer, flagFIN|flagACK, nil, comment); err != nil {
		return err
	}
	me.next++
	me.fin = true
	f.over = peer.fin
	return t.segment(peer, me, flagACK, nil, "")
}

func (t *tcpFlows) reset(f *tcpFlow, me, peer *tcpSide, comment string) error {
	if f.over {
		return nil
	}
	f.over = true
	return t.segment(me, peer, flagRST|flagACK, nil, comment)
}

type tcpFlags uint8

const (
	flagFIN tcpFlags = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// segment writes one TCP segment; it does not move sequence numbers.
func (t *tcpFlows) segment(from, to *tcpSide, flags tcpFlags, payload []byte, comment string) error {
	ip := ipHeader(from.addr.Addr(), to.addr.Addr(), layers.IPProtocolTCP)
	tcp := &layers.TCP{
		SrcPort: layers.TCPPort(from.addr.Port()), DstPort: layers.TCPPort(to.addr.Port()),
		Seq: from.next, Window: tcpWindow,
		FIN: flags&flagFIN != 0, SYN: flags&flagSYN != 0, RST: flags&flagRST != 0,
		PSH: flags&flagPSH != 0, ACK: flags&flagACK != 0,
	}
	if tcp.ACK {
		tcp.Ack = to.next
	}
	if tcp.SYN {
		tcp.Options = []layers.TCPOption{
			{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{maxSegment >> 8, maxSegment & 0xff}},
		}
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		return fmt.Errorf("tcp checksum: %w", err)
	}
	packet, err := packetBytes(ip, tcp, gopacket.Payload(payload))
	if err != nil {
		return err
	}
	return t.emit(packet, comment)
}

// join puts two remarks together.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
