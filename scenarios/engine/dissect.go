// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
)

// Bounds on what is shown of one message; its bytes are beside it.
const (
	maxFields = 400 // of a message; as many as the reports show
	maxNested = 8   // parameters within parameters; the RFCs need 5
	maxBytes  = 32  // of a value in hexadecimal
)

// dissect reads the fields of a message for people, each with the place of its bytes. Unlike the codec it refuses
// nothing: of a malformed message it shows what is there, and says where the bytes and their lengths disagree.
func dissect(p wire.Protocol, b []byte) []reports.Field {
	d := dissector{b: b}
	end := d.header(p)
	if d.end < 0 {
		return d.fields
	}
	at := d.fixed(p, wire.HeaderLength, end)
	d.parameters(at, end, 0)
	if end < len(b) {
		what := "trailing bytes"
		if len(b) == padded(end) {
			what = "padding"
		}
		d.add(0, what, hexBytes(b[end:]), end, len(b)-end)
	}
	return d.fields
}

type dissector struct {
	b      []byte
	end    int // of the message by its own length, -1 when there is no header
	fields []reports.Field
}

func (d *dissector) add(depth int, name, value string, at, length int) {
	if len(d.fields) < maxFields {
		d.fields = append(d.fields, reports.Field{Depth: depth, Name: name, Value: value, At: at, Length: length})
	}
}

// header reads the common header (RFC 5354 section 4) and returns the end of the message.
func (d *dissector) header(p wire.Protocol) int {
	d.end = -1
	if len(d.b) < wire.HeaderLength {
		if len(d.b) > 0 {
			d.add(0, "truncated header", hexBytes(d.b), 0, len(d.b))
		}
		return 0
	}
	length := int(binary.BigEndian.Uint16(d.b[2:]))
	d.add(0, "message type", fmt.Sprintf("0x%02x, %s", d.b[0], wire.MessageName(p, d.b[0])), 0, 1)
	d.add(0, "flags", flags(p, d.b[0], d.b[1]), 1, 1)
	d.end = min(max(length, wire.HeaderLength), len(d.b))
	said := strconv.Itoa(length)
	if d.end != length {
		said += fmt.Sprintf(", but %d bytes are there", len(d.b))
	}
	d.add(0, "message length", said, 2, 2)
	return d.end
}

// fixed reads the fields that stand before the parameters of a message and returns where these begin.
func (d *dissector) fixed(p wire.Protocol, at, end int) int {
	var names []string
	typ := d.b[0]
	switch {
	case p == wire.ASAP && (typ == wire.TypeEndpointKeepAlive || typ == wire.TypeServerAnnounce):
		names = []string{"server ID"}
	case p == wire.ENRP:
		names = []string{"sender ID", "receiver ID"}
		switch typ {
		case wire.TypeInitTakeover, wire.TypeInitTakeoverAck, wire.TypeTakeoverServer:
			names = append(names, "target ID")
		case wire.TypeHandleUpdate:
			names = append(names, "update action")
		}
	}
	for _, name := range names {
		if at+4 > end {
			return at
		}
		if name == "update action" {
			action := binary.BigEndian.Uint16(d.b[at:])
			d.add(0, name, fmt.Sprintf("%d, %v", action, wire.UpdateAction(action)), at, 2)
			d.add(0, "reserved", hexBytes(d.b[at+2:at+4]), at+2, 2)
		} else {
			d.word(0, name, at)
		}
		at += 4
	}
	return at
}

func (d *dissector) word(depth int, name string, at int) {
	d.add(depth, name, fmt.Sprintf("0x%08x", binary.BigEndian.Uint32(d.b[at:])), at, 4)
}

func (d *dissector) half(depth int, name string, at int) uint16 {
	v := binary.BigEndian.Uint16(d.b[at:])
	d.add(depth, name, strconv.Itoa(int(v)), at, 2)
	return v
}

// parameters reads what lies between at and end as parameters (RFC 5354 section 3).
func (d *dissector) parameters(at, end, depth int) {
	for at < end && len(d.fields) < maxFields {
		if depth > maxNested || at+wire.HeaderLength > end {
			d.add(depth, "bytes that are no parameter", hexBytes(d.b[at:end]), at, end-at)
			return
		}
		typ, length := binary.BigEndian.Uint16(d.b[at:]), int(binary.BigEndian.Uint16(d.b[at+2:]))
		if length < wire.HeaderLength || at+length > end {
			d.add(depth, wire.ParameterName(typ), fmt.Sprintf("says that it is %d bytes long; there are %d", length, end-at), at, end-at)
			return
		}
		d.parameter(typ, at, at+length, depth)
		at += padded(length)
	}
}

func (d *dissector) parameter(typ wire.ParameterType, at, end, depth int) {
	name, value, from := wire.ParameterName(typ), at+wire.HeaderLength, at
	n := end - value
	whole := func(text string) { d.add(depth, name, text, from, end-from) }
	switch {
	case typ == wire.ParameterIPv4 && n == 4, typ == wire.ParameterIPv6 && n == 16:
		a, _ := netip.AddrFromSlice(d.b[value:end])
		whole(a.String())
	case typ == wire.ParameterPoolHandle:
		whole(text(d.b[value:end]))
	case typ == wire.ParameterPEIdentifier && n == 4:
		whole(fmt.Sprintf("0x%08x", binary.BigEndian.Uint32(d.b[value:])))
	case typ == wire.ParameterPEChecksum && n == 2:
		whole("0x" + hex.EncodeToString(d.b[value:end]))
	case typ >= wire.ParameterDCCP && typ <= wire.ParameterUDPLite && n >= 4:
		whole("")
		d.transport(typ, value, end, depth+1)
	case typ == wire.ParameterPolicy && n >= 4:
		whole(wire.PolicyType(binary.BigEndian.Uint32(d.b[value:])).String())
		d.policy(value, end, depth+1)
	case typ == wire.ParameterPoolElement && n >= 12:
		whole("")
		d.word(depth+1, "PE identifier", value)
		d.word(depth+1, "home server ID", value+4)
		d.add(depth+1, "registration life", strconv.Itoa(int(int32(binary.BigEndian.Uint32(d.b[value+8:])))), value+8, 4)
		d.parameters(value+12, end, depth+1)
	case typ == wire.ParameterServerInformation && n >= 4:
		whole("")
		d.word(depth+1, "server ID", value)
		d.parameters(value+4, end, depth+1)
	case typ == wire.ParameterOperationError:
		whole("")
		d.causes(value, end, depth+1)
	default:
		whole(hexBytes(d.b[value:end]))
	}
}

func (d *dissector) transport(typ wire.ParameterType, at, end, depth int) {
	d.half(depth, "port", at)
	if typ == wire.ParameterSCTP || typ == wire.ParameterTCP {
		use := binary.BigEndian.Uint16(d.b[at+2:])
		d.add(depth, "transport use", fmt.Sprintf("%d, %v", use, wire.TransportUse(use)), at+2, 2)
	} else {
		d.half(depth, "reserved", at+2)
	}
	at += 4
	if typ == wire.ParameterDCCP && at+4 <= end {
		d.word(depth, "service code", at)
		at += 4
	}
	d.parameters(at, end, depth)
}

// policy reads the values of a policy (RFC 5356 section 5).
func (d *dissector) policy(at, end, depth int) {
	typ := wire.PolicyType(binary.BigEndian.Uint32(d.b[at:]))
	d.word(depth, "policy type", at)
	var names []string
	switch typ {
	case wire.WeightedRoundRobin, wire.WeightedRandom:
		names = []string{"weight"}
	case wire.Priority:
		names = []string{"priority"}
	case wire.LeastUsed, wire.RandomizedLeastUsed:
		names = []string{"load"}
	case wire.LeastUsedDegradation, wire.PriorityLeastUsed:
		names = []string{"load", "load degradation"}
	}
	at += 4
	for _, name := range names {
		if at+4 > end {
			break
		}
		d.word(depth, name, at)
		at += 4
	}
	if at < end {
		d.add(depth, "data", hexBytes(d.b[at:end]), at, end-at)
	}
}

// causes reads the causes of an operation error (RFC 5354 section 3.12).
func (d *dissector) causes(at, end, depth int) {
	for at < end && len(d.fields) < maxFields {
		if at+wire.HeaderLength > end {
			d.add(depth, "bytes that are no cause", hexBytes(d.b[at:end]), at, end-at)
			return
		}
		code, length := wire.CauseCode(binary.BigEndian.Uint16(d.b[at:])), int(binary.BigEndian.Uint16(d.b[at+2:]))
		if length < wire.HeaderLength || at+length > end {
			d.add(depth, "cause", fmt.Sprintf("%v, says that it is %d bytes long; there are %d", code, length, end-at), at, end-at)
			return
		}
		d.add(depth, "cause", fmt.Sprintf("0x%x, %v", uint16(code), code), at, length)
		if length > wire.HeaderLength {
			d.add(depth+1, "information", hexBytes(d.b[at+wire.HeaderLength:at+length]), at+wire.HeaderLength, length-wire.HeaderLength)
		}
		at += padded(length)
	}
}

// flags names the bit that a message type gives a meaning to.
func flags(p wire.Protocol, typ, value uint8) string {
	names := map[wire.Protocol]map[uint8]string{
		wire.ASAP: {
			wire.TypeRegistrationResponse: "reject", wire.TypeHandleResolution: "subscribe",
			wire.TypeHandleResolutionResponse: "updates accepted", wire.TypeEndpointKeepAlive: "new home",
		},
		wire.ENRP: {
			wire.TypePresence: "reply required", wire.TypeHandleTableRequest: "own children only",
			wire.TypeHandleTableResponse: "reject", wire.TypeHandleUpdate: "takeover suggested", wire.TypeListResponse: "reject",
		},
	}
	s := fmt.Sprintf("0x%02x", value)
	if name := names[p][typ]; name != "" && value&1 != 0 {
		s += ", " + name
	}
	if p == wire.ENRP && typ == wire.TypeHandleTableResponse && value&2 != 0 {
		s += ", more to send"
	}
	return s
}

// text shows a pool handle as the text that it mostly is.
func text(b []byte) string {
	if utf8.Valid(b) {
		return strconv.Quote(string(b))
	}
	return hexBytes(b)
}

func hexBytes(b []byte) string {
	if len(b) > maxBytes {
		return hex.EncodeToString(b[:maxBytes]) + fmt.Sprintf("... (%d bytes)", len(b))
	}
	return hex.EncodeToString(b)
}

func padded(n int) int { return (n + 3) &^ 3 }
