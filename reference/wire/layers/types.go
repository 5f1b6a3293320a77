// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Layer type numbers are from gopacket's range for applications. The number of
// a message's layer type is its protocol's plus its message type.
const (
	firstASAP     = 1100
	firstENRP     = 1120
	malformedType = 1140
)

// The layer types of the protocols, which decode whatever message comes, and of
// messages that cannot be decoded.
var (
	LayerTypeASAP = gopacket.RegisterLayerType(firstASAP,
		gopacket.LayerTypeMetadata{Name: "ASAP", Decoder: stream(wire.ASAP)})
	LayerTypeENRP = gopacket.RegisterLayerType(firstENRP,
		gopacket.LayerTypeMetadata{Name: "ENRP", Decoder: stream(wire.ENRP)})
	LayerTypeMalformed = gopacket.RegisterLayerType(malformedType,
		gopacket.LayerTypeMetadata{Name: "MalformedRSerPool", Decoder: gopacket.DecodePayload})
)

// messageTypes holds the layer types of the messages by their numbers.
var messageTypes = registerMessages()

// registerMessages gives every message a layer type with its name.
func registerMessages() map[int]gopacket.LayerType {
	types := make(map[int]gopacket.LayerType)
	for _, p := range []wire.Protocol{wire.ASAP, wire.ENRP} {
		for _, typ := range wire.MessageTypes(p) {
			n := number(p, typ)
			types[n] = gopacket.RegisterLayerType(n,
				gopacket.LayerTypeMetadata{Name: wire.MessageName(p, typ), Decoder: stream(p)})
		}
	}
	return types
}

// number is the layer type number of a message.
func number(p wire.Protocol, typ uint8) int {
	if p == wire.ENRP {
		return firstENRP + int(typ)
	}
	return firstASAP + int(typ)
}

// TypeOf returns the layer type of a message, gopacket.LayerTypeZero if there
// is no such message.
func TypeOf(p wire.Protocol, typ uint8) gopacket.LayerType { return messageTypes[number(p, typ)] }

// Importing the package is asking for the registration, as with gopacket's own layers.
func init() {
	for port, layerType := range map[uint16]gopacket.LayerType{
		wire.PortASAP: LayerTypeASAP,
		wire.PortENRP: LayerTypeENRP,
	} {
		layers.RegisterTCPPortLayerType(layers.TCPPort(port), layerType)
		layers.RegisterUDPPortLayerType(layers.UDPPort(port), layerType)
	}
	layers.SCTPChunkTypeMetadata[layers.SCTPChunkTypeData].DecodeWith = gopacket.DecodeFunc(decodeData)
}
