// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// Message is one ASAP or ENRP message. It is implemented by pointers to the 24
// message structs of the RFCs and to SelectionProof.
type Message interface {
	// Protocol returns the protocol the message belongs to.
	Protocol() Protocol
	// Type returns the message type octet.
	Type() uint8
	// Name returns the RFC's name, such as "ASAP_REGISTRATION".
	Name() string
	// Decode reads one whole message into the receiver, reusing its storage;
	// byte slices of the result alias b. Nil options are the strict ones. The
	// error is a *DecodeError, and then the receiver's content is undefined.
	Decode(b []byte, o *Options) error
	// Append appends the encoded message with its final padding to dst. Nil
	// options are the strict ones. The error is an *EncodeError, and then dst
	// is returned unchanged.
	Append(dst []byte, o *Options) ([]byte, error)
	// Unrecognized returns the parameters of unknown type that Decode skipped.
	Unrecognized() []Parameter

	clone() Message
}

// ASAP message types (RFC 5352 section 2.2). The IANA table leaves 0x0b to 0x0e
// out; the RFC's own table and its message definitions count here.
const (
	TypeRegistration             uint8 = 0x01
	TypeDeregistration           uint8 = 0x02
	TypeRegistrationResponse     uint8 = 0x03
	TypeDeregistrationResponse   uint8 = 0x04
	TypeHandleResolution         uint8 = 0x05
	TypeHandleResolutionResponse uint8 = 0x06
	TypeEndpointKeepAlive        uint8 = 0x07
	TypeEndpointKeepAliveAck     uint8 = 0x08
	TypeEndpointUnreachable      uint8 = 0x09
	TypeServerAnnounce           uint8 = 0x0a
	TypeCookie                   uint8 = 0x0b
	TypeCookieEcho               uint8 = 0x0c
	TypeBusinessCard             uint8 = 0x0d
	TypeASAPError                uint8 = 0x0e
)

// ENRP message types (RFC 5353 section 2).
const (
	TypePresence            uint8 = 0x01
	TypeHandleTableRequest  uint8 = 0x02
	TypeHandleTableResponse uint8 = 0x03
	TypeHandleUpdate        uint8 = 0x04
	TypeListRequest         uint8 = 0x05
	TypeListResponse        uint8 = 0x06
	TypeInitTakeover        uint8 = 0x07
	TypeInitTakeoverAck     uint8 = 0x08
	TypeTakeoverServer      uint8 = 0x09
	TypeENRPError           uint8 = 0x0a
)

var messageNames = [...][]string{
	ASAP: {
		TypeRegistration: "ASAP_REGISTRATION", TypeDeregistration: "ASAP_DEREGISTRATION",
		TypeRegistrationResponse: "ASAP_REGISTRATION_RESPONSE", TypeDeregistrationResponse: "ASAP_DEREGISTRATION_RESPONSE",
		TypeHandleResolution: "ASAP_HANDLE_RESOLUTION", TypeHandleResolutionResponse: "ASAP_HANDLE_RESOLUTION_RESPONSE",
		TypeEndpointKeepAlive: "ASAP_ENDPOINT_KEEP_ALIVE", TypeEndpointKeepAliveAck: "ASAP_ENDPOINT_KEEP_ALIVE_ACK",
		TypeEndpointUnreachable: "ASAP_ENDPOINT_UNREACHABLE", TypeServerAnnounce: "ASAP_SERVER_ANNOUNCE",
		TypeCookie: "ASAP_COOKIE", TypeCookieEcho: "ASAP_COOKIE_ECHO",
		TypeBusinessCard: "ASAP_BUSINESS_CARD", TypeASAPError: "ASAP_ERROR",
	},
	ENRP: {
		TypePresence: "ENRP_PRESENCE", TypeHandleTableRequest: "ENRP_HANDLE_TABLE_REQUEST",
		TypeHandleTableResponse: "ENRP_HANDLE_TABLE_RESPONSE", TypeHandleUpdate: "ENRP_HANDLE_UPDATE",
		TypeListRequest: "ENRP_LIST_REQUEST", TypeListResponse: "ENRP_LIST_RESPONSE",
		TypeInitTakeover: "ENRP_INIT_TAKEOVER", TypeInitTakeoverAck: "ENRP_INIT_TAKEOVER_ACK",
		TypeTakeoverServer: "ENRP_TAKEOVER_SERVER", TypeENRPError: "ENRP_ERROR",
	},
}

// MessageName returns the RFC's name of a message type, or its number.
func MessageName(p Protocol, typ uint8) string {
	if p == ASAP && typ == TypeSelectionProof {
		return selectionProofName
	}
	if int(p) < len(messageNames) && int(typ) < len(messageNames[p]) && typ != 0 {
		return messageNames[p][typ]
	}
	return fmt.Sprintf("%s message 0x%02x", p, typ)
}

// MessageTypes returns the message types the protocol defines, in ascending order.
func MessageTypes(p Protocol) []uint8 {
	var types []uint8
	if int(p) < len(messageNames) {
		for t := 1; t < len(messageNames[p]); t++ {
			types = append(types, uint8(t))
		}
	}
	return types
}

// New returns an empty message, or ErrUnknownMessage.
func New(p Protocol, typ uint8) (Message, error) {
	switch p {
	case ASAP:
		if m := newASAP(typ); m != nil {
			return m, nil
		}
	case ENRP:
		if m := newENRP(typ); m != nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("wire: %s: %w: 0x%02x", p, ErrUnknownMessage, typ)
}

func newASAP(typ uint8) Message {
	switch typ {
	case TypeRegistration:
		return new(Registration)
	case TypeDeregistration:
		return new(Deregistration)
	case TypeRegistrationResponse:
		return new(RegistrationResponse)
	case TypeDeregistrationResponse:
		return new(DeregistrationResponse)
	case TypeHandleResolution:
		return new(HandleResolution)
	case TypeHandleResolutionResponse:
		return new(HandleResolutionResponse)
	case TypeEndpointKeepAlive:
		return new(EndpointKeepAlive)
	case TypeEndpointKeepAliveAck:
		return new(EndpointKeepAliveAck)
	case TypeEndpointUnreachable:
		return new(EndpointUnreachable)
	case TypeServerAnnounce:
		return new(ServerAnnounce)
	case TypeCookie:
		return new(Cookie)
	case TypeCookieEcho:
		return new(CookieEcho)
	case TypeBusinessCard:
		return new(BusinessCard)
	case TypeASAPError:
		return new(ASAPError)
	}
	return nil
}

func newENRP(typ uint8) Message {
	switch typ {
	case TypePresence:
		return new(Presence)
	case TypeHandleTableRequest:
		return new(HandleTableRequest)
	case TypeHandleTableResponse:
		return new(HandleTableResponse)
	case TypeHandleUpdate:
		return new(HandleUpdate)
	case TypeListRequest:
		return new(ListRequest)
	case TypeListResponse:
		return new(ListResponse)
	case TypeInitTakeover:
		return new(InitTakeover)
	case TypeInitTakeoverAck:
		return new(InitTakeoverAck)
	case TypeTakeoverServer:
		return new(TakeoverServer)
	case TypeENRPError:
		return new(ENRPError)
	}
	return nil
}

// Encode returns the message in its strict RFC form.
func Encode(m Message) ([]byte, error) { return m.Append(nil, nil) }

// Clone returns a deep copy: nothing of it aliases m or the bytes m was decoded from.
func Clone(m Message) Message { return m.clone() }
