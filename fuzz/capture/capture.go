// SPDX-License-Identifier: Apache-2.0

// Package capture takes ASAP and ENRP messages out of captures of network traffic: from user
// messages of SCTP, on IP and in UDP (RFC 6951), and from streams of TCP, both reassembled.
package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/gopacket/gopacket/tcpassembly"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Message is one message of a capture.
type Message struct {
	Protocol wire.Protocol
	Payload  []byte
}

// Options say what the ports of a capture carry, beside the well-known ones.
type Options struct {
	ASAP, ENRP []uint16
	UDP        []uint16 // that carry SCTP
}

// Result is what was in a capture.
type Result struct {
	Messages []Message // each once, in the order of their appearance
	Packets  int
	Repeated int // messages that were there before
	Lost     int // streams and messages with a gap
	Secured  int // streams of TLS, which are not looked into
	// Elsewhere are the ports of TCP that carry neither protocol as far as the options say: of each
	// connection the lower one, in ascending order.
	Elsewhere []uint16
}

// ErrFormat says that a file is no capture.
var ErrFormat = errors.New("neither pcapng nor pcap")

// maxMessages bounds what is taken from one capture.
const maxMessages = 1 << 20

// Read reads a capture, pcapng or pcap. A packet that cannot be read is passed over; a file that
// ends within a packet gives what was before.
func Read(r io.Reader, o Options) (*Result, error) {
	source, link, err := open(r)
	if err != nil {
		return nil, err
	}
	x := newExtractor(o)
	for {
		data, _, err := source.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: packet %d: %w", ErrFormat, x.result.Packets+1, err)
		}
		x.result.Packets++
		x.packet(gopacket.NewPacket(data, link, gopacket.DecodeOptions{NoCopy: true}))
		if len(x.result.Messages) >= maxMessages {
			break
		}
	}
	x.assembler.FlushAll()
	x.result.Lost += x.sctp.open()
	x.result.Elsewhere = slices.Sorted(maps.Keys(x.elsewhere))
	return &x.result, nil
}

func open(r io.Reader) (gopacket.PacketDataSource, gopacket.Decoder, error) {
	b := bufio.NewReader(r)
	magic, err := b.Peek(4)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		ng, err := pcapgo.NewNgReader(b, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return ng, ng.LinkType(), nil
	}
	old, err := pcapgo.NewReader(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return old, old.LinkType(), nil
}

// extractor collects messages.
type extractor struct {
	result    Result
	ports     map[uint16]wire.Protocol
	udp       map[uint16]bool
	known     map[string]bool
	elsewhere map[uint16]bool
	sctp      fragments
	assembler *tcpassembly.Assembler
}

func newExtractor(o Options) *extractor {
	x := &extractor{
		ports: map[uint16]wire.Protocol{wire.PortASAP: wire.ASAP, wire.PortENRP: wire.ENRP},
		udp:   map[uint16]bool{association.EncapsulationPort: true}, known: map[string]bool{}, sctp: fragments{},
		elsewhere: map[uint16]bool{},
	}
	for _, p := range o.ASAP {
		x.ports[p] = wire.ASAP
	}
	for _, p := range o.ENRP {
		x.ports[p] = wire.ENRP
	}
	for _, p := range o.UDP {
		x.udp[p] = true
	}
	x.assembler = tcpassembly.NewAssembler(tcpassembly.NewStreamPool(x))
	const pages = 4096 // some 8 MB of octets out of order
	x.assembler.MaxBufferedPagesTotal = pages
	return x
}

func (x *extractor) packet(p gopacket.Packet) {
	network := p.NetworkLayer()
	if network == nil {
		return
	}
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.TCP:
			x.assembler.Assemble(network.NetworkFlow(), l)
		case *layers.UDP:
			if x.udp[uint16(l.SrcPort)] || x.udp[uint16(l.DstPort)] {
				x.packet132(network.NetworkFlow(), gopacket.NewPacket(l.Payload, layers.LayerTypeSCTP, gopacket.DecodeOptions{NoCopy: true}))
			}
		case *layers.SCTP:
			x.packet132(network.NetworkFlow(), p)
			return
		}
	}
}

// packet132 takes the user messages out of an SCTP packet.
func (x *extractor) packet132(network gopacket.Flow, p gopacket.Packet) {
	var from, to uint16
	var tag uint32
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.SCTP:
			from, to, tag = uint16(l.SrcPort), uint16(l.DstPort), l.VerificationTag
		case *layers.SCTPData:
			key := flow{network.String(), from, to, tag}
			if message, ok := x.sctp.add(key, l); ok {
				x.user(message, uint32(l.PayloadProtocol), from, to)
			}
		}
	}
}

// user keeps a user message of SCTP that is one of ours by its payload protocol identifier, or by a port.
func (x *extractor) user(b []byte, ppid uint32, from, to uint16) {
	if protocol, ok := wire.ProtocolOf(ppid); ok {
		x.add(protocol, b)
	} else if protocol := x.protocol(from, to); protocol != 0 {
		x.add(protocol, b)
	}
}

func (x *extractor) protocol(from, to uint16) wire.Protocol {
	if p, ok := x.ports[to]; ok {
		return p
	}
	return x.ports[from]
}

func (x *extractor) add(p wire.Protocol, b []byte) {
	key := string(rune(p)) + string(b)
	if x.known[key] {
		x.result.Repeated++
		return
	}
	x.known[key] = true
	x.result.Messages = append(x.result.Messages, Message{p, bytes.Clone(b)})
}
