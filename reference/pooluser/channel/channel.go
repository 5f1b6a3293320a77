// SPDX-License-Identifier: Apache-2.0

package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TypeData is the message type of data where no payload protocol identifier
// tells data from control.
const TypeData uint8 = 0x44

// MaxData is the longest data that one message can carry everywhere, in octets:
// a Message Length has 16 bits.
const MaxData = wire.MaxMessageLength - wire.HeaderLength

// Errors of Send and Receive.
var (
	// ErrSize: data without octets, which SCTP cannot carry, or above MaxData.
	ErrSize = errors.New("channel: data size out of range")
	// ErrMalformed: the far end sent what is neither data nor an ASAP message. It
	// is wrapped together with the decoder's reason.
	ErrMalformed = errors.New("channel: malformed message")
	// ErrDataPPID: a data channel MUST NOT use the identifier of ASAP (RFC 5352 section 5).
	ErrDataPPID = errors.New("channel: payload protocol identifier 11 is reserved for control messages")
)

// Options of a Channel. The zero value is strict and sends data with identifier 0.
type Options struct {
	// DataPPID goes with data on clear SCTP; 0 means unspecified (RFC 9260 section 3.3.1).
	DataPPID uint32
	// Wire chooses between the readings of the RFCs for control messages.
	Wire wire.Options
}

// Received is one message of the far end: Data, or Control when that is not nil.
type Received struct {
	Data    []byte
	Control wire.Message
}

// Channel is one association between a pool user and a pool element. One
// goroutine may receive while others send.
type Channel struct {
	assoc  association.Association
	o      Options
	framed bool
}

// New returns a channel over a, which it does not own. The association must have
// been set up with Options.DataPPID as its own identifier.
func New(a association.Association, o Options) (*Channel, error) {
	if o.DataPPID == wire.PPIDASAP {
		return nil, ErrDataPPID
	}
	info := a.Info()
	return &Channel{assoc: a, o: o, framed: info.Secured || !info.Transport.IsSCTP()}, nil
}

// Association returns the association below.
func (c *Channel) Association() association.Association { return c.assoc }

// SendData sends data as one message.
func (c *Channel) SendData(ctx context.Context, data []byte) error {
	if len(data) == 0 || len(data) > MaxData {
		return fmt.Errorf("%w: %d octets, 1 to %d", ErrSize, len(data), MaxData)
	}
	m := association.Message{Payload: data, PPID: c.o.DataPPID}
	if c.framed {
		m.Payload = frame(data)
	}
	return c.assoc.Send(ctx, m)
}

// frame puts data into a message of type TypeData; the association pads it.
func frame(data []byte) []byte {
	b := make([]byte, wire.HeaderLength, (wire.HeaderLength+len(data)+3)&^3)
	b[0] = TypeData
	binary.BigEndian.PutUint16(b[2:], uint16(wire.HeaderLength+len(data)))
	return append(b, data...)
}

// SendControl sends an ASAP message on the control channel.
func (c *Channel) SendControl(ctx context.Context, m wire.Message) error {
	b, err := m.Append(nil, &c.o.Wire)
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	return c.assoc.Send(ctx, association.Message{Payload: b, PPID: wire.PPIDASAP})
}

// Receive returns the next message. Control messages of unknown type and
// parameters of unknown type are dealt with by their action bits (RFC 5354
// sections 3 and 4): Receive answers and goes on. Anything else that is wrong is
// ErrMalformed, after which the association should be aborted. Other errors are
// those of the association.
func (c *Channel) Receive(ctx context.Context) (Received, error) {
	for {
		m, err := c.assoc.Receive(ctx)
		if err != nil {
			return Received{}, err
		}
		switch data, isData, err := c.data(&m); {
		case err != nil:
			return Received{}, err
		case isData:
			return Received{Data: data}, nil
		}
		control, err := wire.Decode(wire.ASAP, m.Payload, &c.o.Wire)
		if report := Report(control, err); report != nil {
			if err := c.SendControl(ctx, report); err != nil {
				return Received{}, err
			}
		}
		switch {
		case err == nil:
			return Received{Control: control}, nil
		case !Unknown(err):
			return Received{}, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
}

// data returns the data in m if it is no control message.
func (c *Channel) data(m *association.Message) (data []byte, isData bool, err error) {
	switch {
	case !c.framed:
		return m.Payload, m.PPID != wire.PPIDASAP, nil
	case len(m.Payload) < wire.HeaderLength || m.Payload[0] != TypeData:
		return nil, false, nil
	}
	n := int(binary.BigEndian.Uint16(m.Payload[2:]))
	if n <= wire.HeaderLength || n > len(m.Payload) {
		return nil, false, fmt.Errorf("%w: data with message length %d in %d octets", ErrMalformed, n, len(m.Payload))
	}
	return m.Payload[wire.HeaderLength:n], true, nil
}
