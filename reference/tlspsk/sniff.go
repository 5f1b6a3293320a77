// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// TLS record and handshake types (RFC 8446 appendix B).
const (
	recordAlert     = 21
	recordHandshake = 22

	handshakeClientHello = 1
	handshakeHeader      = 4
)

const (
	// maxHello bounds a ClientHello like OpenSSL does: one full record. Hellos
	// with post-quantum key shares need about 2 KB.
	maxHello = maxPlaintext
	// maxHelloWire bounds what is kept for the engine: the hello in small
	// fragments, and behind it a first flight of early data.
	maxHelloWire = 4 * maxRecord
	// sniffRead is the room for one read; a usual hello needs a tenth.
	sniffRead = 4096
)

// sniffer collects the first octets of a connection until they hold a whole
// ClientHello, which may come in any number of records and segments.
type sniffer struct {
	raw      net.Conn
	messages bool
	seen     []byte // all that was read, for the engine
	parsed   int    // octets of seen that are whole records
	message  []byte // handshake octets of those records
}

// refusal is an error with the alert that the peer is owed.
type refusal struct {
	alert alert
	err   error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(a alert, err error, format string, args ...any) error {
	return &refusal{a, fmt.Errorf("%w: "+format, append([]any{err}, args...)...)}
}

// hello reads until there is a ClientHello.
func (s *sniffer) hello() (hello, error) {
	for {
		body, err := s.body()
		if err != nil {
			return hello{}, err
		}
		if body != nil {
			h, err := parseHello(body)
			if err != nil {
				return h, &refusal{alertDecodeError, err}
			}
			return h, nil
		}
		if err := s.read(); err != nil {
			return hello{}, err
		}
	}
}

// read appends what the transport has. In message mode the room is a whole message.
func (s *sniffer) read() error {
	room := sniffRead
	if s.messages {
		room = maxRecord
	}
	if len(s.seen)+room > maxHelloWire {
		return refuse(alertHandshakeFailure, ErrHelloTooLarge, "more than %d octets", maxHelloWire-room)
	}
	n := len(s.seen)
	if cap(s.seen)-n < room {
		s.seen = append(make([]byte, 0, 2*n+room), s.seen...)
	}
	k, err := s.raw.Read(s.seen[n : n+room])
	s.seen = s.seen[:n+k]
	switch {
	case k > 0:
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// body returns the body of the ClientHello, nil when more octets are needed.
func (s *sniffer) body() ([]byte, error) {
	for {
		if len(s.message) >= handshakeHeader {
			if t := s.message[0]; t != handshakeClientHello {
				return nil, refuse(alertUnexpectedMessage, ErrMalformedHello, "handshake type %d", t)
			}
			n := int(s.message[1])<<16 | int(s.message[2])<<8 | int(s.message[3])
			if n > maxHello {
				return nil, refuse(alertHandshakeFailure, ErrHelloTooLarge, "%d octets", n)
			}
			if len(s.message) >= handshakeHeader+n {
				return s.message[handshakeHeader : handshakeHeader+n], nil
			}
		}
		more, err := s.record()
		if err != nil || !more {
			return nil, err
		}
	}
}

// record moves the next whole record into message and reports whether there was one.
func (s *sniffer) record() (bool, error) {
	b := s.seen[s.parsed:]
	if len(b) < recordHeader {
		return false, nil
	}
	n := int(b[3])<<8 | int(b[4])
	switch {
	case b[1] != 3 || b[0] < 20 || b[0] > 23:
		return false, fmt.Errorf("%w: first octets %x", ErrNotTLS, b[:recordHeader])
	case b[0] != recordHandshake && b[0] != recordAlert:
		return false, refuse(alertUnexpectedMessage, ErrMalformedHello, "record type %d", b[0])
	case n > maxPlaintext:
		return false, refuse(alertRecordOverflow, ErrHelloTooLarge, "record of %d octets", n)
	case n == 0:
		return false, refuse(alertUnexpectedMessage, ErrMalformedHello, "empty record")
	case len(b) < recordHeader+n:
		return false, nil
	}
	body := b[recordHeader : recordHeader+n]
	if b[0] == recordAlert {
		return false, &AlertError{Op: "handshake", Reason: "alert instead of ClientHello", Received: alert(body[n-1]).String()}
	}
	s.message = append(s.message, body...)
	s.parsed += recordHeader + n
	return true, nil
}
