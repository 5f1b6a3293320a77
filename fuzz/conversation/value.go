// SPDX-License-Identifier: Apache-2.0

package conversation

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Value is a number of 32 bits that is only known when the script runs. Its own number stands
// for it in a payload; the numbers are such that no mutation hits upon them by chance.
type Value uint32

// The values.
const (
	Server  Value = 0xf1a57e01 // the server ID of the system under test, as it was heard last
	Victim  Value = 0xf1a57e02 // the PE identifier of the honest element
	Element Value = 0xf1a57e03 // the PE identifier of the first element of the last resolution
	Address Value = 0xf1a57e04 // the IPv4 address that this association comes from

	// The four words of the IPv6 address that this association comes from.
	address60 Value = 0xf1a57e05
	address61 Value = 0xf1a57e06
	address62 Value = 0xf1a57e07
	address63 Value = 0xf1a57e08
)

// mark is what all values begin with.
var mark = []byte{0xf1, 0xa5, 0x7e}

var valueNames = map[Value]string{
	Server: "server", Victim: "victim", Element: "element", Address: "address",
	address60: "address6.0", address61: "address6.1", address62: "address6.2", address63: "address6.3",
}

// OwnAddress returns the placeholder for the own address, of IPv6 or of IPv4.
func OwnAddress(ipv6 bool) netip.Addr {
	if !ipv6 {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(Address))))
	}
	var octets []byte
	for v := address60; v <= address63; v++ {
		octets = binary.BigEndian.AppendUint32(octets, uint32(v))
	}
	return netip.AddrFrom16([16]byte(octets))
}

// Values are what the placeholders stand for on one association.
type Values struct {
	Server, Victim, Element uint32
	Address                 netip.Addr
}

func (v *Values) get(name Value) (word [4]byte, ok bool) {
	switch name {
	case Server:
		binary.BigEndian.PutUint32(word[:], v.Server)
	case Victim:
		binary.BigEndian.PutUint32(word[:], v.Victim)
	case Element:
		binary.BigEndian.PutUint32(word[:], v.Element)
	case Address:
		if v.Address.Unmap().Is4() {
			word = v.Address.Unmap().As4()
		}
	case address60, address61, address62, address63:
		if octets := v.Address.Unmap().As16(); v.Address.IsValid() {
			word = [4]byte(octets[4*(name-address60):])
		}
	default:
		return word, false
	}
	return word, true
}

// Fill appends payload to dst with the placeholders replaced.
func (v *Values) Fill(dst, payload []byte) []byte {
	at := len(dst)
	dst = append(dst, payload...)
	for rest := dst[at:]; ; {
		i := bytes.Index(rest, mark)
		if i < 0 || i+4 > len(rest) {
			return dst
		}
		if word, ok := v.get(Value(binary.BigEndian.Uint32(rest[i:]))); ok {
			copy(rest[i:], word[:])
			rest = rest[i+4:]
		} else {
			rest = rest[i+1:]
		}
	}
}
