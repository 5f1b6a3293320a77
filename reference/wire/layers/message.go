// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Message is the layer of one ASAP or ENRP message.
type Message struct {
	layers.BaseLayer
	// Message is what was decoded, or what SerializeTo encodes. Its byte slices
	// alias the packet's data.
	Message wire.Message
	// Options are what SerializeTo encodes with; nil is strict.
	Options *wire.Options
}

// LayerType returns the layer type of the message, see [TypeOf].
func (m *Message) LayerType() gopacket.LayerType {
	return TypeOf(m.Message.Protocol(), m.Message.Type())
}

// Payload returns nil: there is nothing above these protocols. It makes the
// layer a gopacket.ApplicationLayer.
func (m *Message) Payload() []byte { return nil }

// SerializeTo prepends the encoded message. The error is a *wire.EncodeError.
func (m *Message) SerializeTo(b gopacket.SerializeBuffer, _ gopacket.SerializeOptions) error {
	encoded, err := m.Message.Append(nil, m.Options)
	if err != nil {
		return err
	}
	room, err := b.PrependBytes(len(encoded))
	if err != nil {
		return err
	}
	copy(room, encoded)
	return nil
}

// Malformed is the layer of a message that cannot be decoded. It is also the
// packet's error layer, but what follows the message is still decoded.
type Malformed struct {
	layers.BaseLayer
	// Err is a *wire.DecodeError.
	Err error
}

// LayerType returns LayerTypeMalformed.
func (m *Malformed) LayerType() gopacket.LayerType { return LayerTypeMalformed }

// Error returns what is wrong. It makes the layer a gopacket.ErrorLayer.
func (m *Malformed) Error() error { return m.Err }

// add decodes one message and adds its layer; payload is what follows it.
func add(protocol wire.Protocol, contents, payload []byte, p gopacket.PacketBuilder) {
	base := layers.BaseLayer{Contents: contents, Payload: payload}
	o := wire.Lenient()
	m, err := wire.Decode(protocol, contents, &o)
	if err != nil {
		malformed := &Malformed{BaseLayer: base, Err: err}
		p.AddLayer(malformed)
		p.SetErrorLayer(malformed)
		return
	}
	layer := &Message{BaseLayer: base, Message: m}
	p.AddLayer(layer)
	p.SetApplicationLayer(layer)
}
