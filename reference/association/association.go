// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"net"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Transport names what carries an association.
type Transport string

// The transports. UDP carries datagrams only (see ListenDatagram).
const (
	TCP     Transport = "tcp"
	SCTP    Transport = "sctp"     // IP protocol 132 on a raw socket; needs CAP_NET_RAW
	SCTPUDP Transport = "sctp-udp" // SCTP in UDP, RFC 6951
	// SCTPKernel is the SCTP of a kernel that has it: no privileges, and all
	// addresses of a multi-homed host.
	SCTPKernel Transport = "sctp-kernel"
	UDP        Transport = "udp"
)

// IsSCTP reports whether t is SCTP, encapsulated or not, in whichever space.
func (t Transport) IsSCTP() bool { return t == SCTP || t == SCTPUDP || t == SCTPKernel }

// Message is one ASAP or ENRP message with what SCTP says about it.
type Message struct {
	// Payload is the message. A received one keeps its final padding and belongs
	// to the receiver.
	Payload []byte
	// PPID is the SCTP payload protocol identifier. 0 asks Send for the
	// association's own; TCP and TLS carry none and report the association's own.
	PPID uint32
	// Stream is the SCTP stream; 0 on TCP and under TLS.
	Stream uint16
}

// Association is a connection that carries messages. All methods may be called
// at any time from any goroutine. Close or Abort must be called unless Done is
// closed; an association whose peer ends it releases everything by itself.
type Association interface {
	// Send hands one message to the transport, which delivers it in order. It
	// does not judge the message: what is malformed goes out as it is, except
	// that a message in a byte stream gets the final padding it lacks. When ctx
	// ends while the message is being written to a byte stream, the association
	// is aborted, because half a message cannot be taken back.
	Send(ctx context.Context, m Message) error

	// Receive returns the next message: io.EOF after the peer closed gracefully,
	// ErrAborted after it aborted, ErrClosed after Close or Abort here. What
	// arrived before the peer closed is returned first. When ctx ends, nothing is
	// lost and the association goes on.
	Receive(ctx context.Context) (Message, error)

	// Close delivers pending data, sends close_notify and SHUTDOWN or FIN, and
	// waits for the peer to do its part, until ctx or Limits.CloseTimeout ends:
	// then it aborts and returns an error. What arrives meanwhile is discarded.
	Close(ctx context.Context) error

	// Abort ends the association at once by ABORT with the reason, or RST.
	Abort(reason string) error

	// Done is closed when the association has ended and holds no resources. After
	// an end by the peer that is when all but Limits.ReadQueue of the messages
	// that arrived before have been received.
	Done() <-chan struct{}

	// Err says why it ended, nil before that: io.EOF, or an error that is
	// ErrAborted, ErrClosed, ErrUnreachable, ErrLength, ErrStalled or one of TLS.
	Err() error

	// Info describes the association.
	Info() Info
}

// Info describes an association. It does not change.
type Info struct {
	Transport     Transport
	Local, Remote netip.AddrPort // SCTP ports, not those of the encapsulation

	// PeerAddrs are the addresses the peer may use: those in its INIT or INIT
	// ACK and the one it sent that from; for TCP its address.
	PeerAddrs []netip.Addr

	Secured  bool            // under TLS
	Identity tlspsk.Identity // who the peer has shown to be
	TLS      tlspsk.State    // what the handshake agreed on
}

// MessageConn is a net.Conn that preserves messages and says more of them than
// Read and Write can: the transport below a clear SCTP association. A Wrap that
// returns one keeps PPIDs and streams; through any other net.Conn each Read and
// Write is one message with the association's own PPID on stream 0.
type MessageConn interface {
	net.Conn
	ReadMessage() (Message, error)
	WriteMessage(m Message) error
}
