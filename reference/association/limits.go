// SPDX-License-Identifier: Apache-2.0

package association

import "time"

// What zero means in Limits.
const (
	// DefaultMaxMessage is the largest Message Length, 65535, with its padding.
	DefaultMaxMessage = 65536
	// DefaultReadQueue lets a burst of messages pass without holding up the
	// transport, and holds at most 1 MB for each association.
	DefaultReadQueue = 16
	// DefaultHandshakeTimeout leaves room for three lost INITs (resent after 1,
	// 3 and 7 s) and a TLS handshake.
	DefaultHandshakeTimeout = 15 * time.Second
	// DefaultFrameTimeout passes 64 kB at 6.5 kB/s.
	DefaultFrameTimeout = 10 * time.Second
	// DefaultSendTimeout is how long a peer may take nothing.
	DefaultSendTimeout = 30 * time.Second
	// DefaultCloseTimeout passes two retransmissions of a lost SHUTDOWN or FIN.
	DefaultCloseTimeout = 5 * time.Second
	// DefaultHandshakes is more than the bursts of associations we provoke.
	DefaultHandshakes = 1024
	// DefaultAssociations is more than any load we provoke. Each association may
	// make us hold its read queue and, in SCTP, a window of 256 kB.
	DefaultAssociations = 4096
	// DefaultLiveness is what an SCTP endpoint takes for two lost HEARTBEATs at
	// the interval of RFC 9260 section 16 (30 s).
	DefaultLiveness = 60 * time.Second
	// NoLiveness as a Liveness turns the supervision of the peer off.
	NoLiveness = -1
)

// Limits bounds what a peer can make this side hold or wait for. Zero fields
// mean the defaults.
type Limits struct {
	// MaxMessage is the largest accepted message in octets with its padding. It
	// is rounded up to a multiple of 4 and never above DefaultMaxMessage.
	MaxMessage int
	// ReadQueue is the number of messages held until Receive takes them. When it
	// is full, the transport stops the peer.
	ReadQueue int
	// HandshakeTimeout bounds setting up an association, TLS included.
	HandshakeTimeout time.Duration
	// FrameTimeout bounds the time from the first to the last octet of a message
	// in a byte stream. Between messages a peer may be silent.
	FrameTimeout time.Duration
	// SendTimeout bounds a Send whose context has no earlier deadline.
	SendTimeout time.Duration
	// CloseTimeout bounds a Close whose context has no earlier deadline.
	CloseTimeout time.Duration
	// Handshakes is the number of handshakes a listener runs at once, together
	// with the associations that wait for Accept. Above it TCP peers wait in the
	// kernel's backlog and an SCTP peer's INIT is lost, to be sent again; on
	// SCTPKernel, where the kernel has answered before, the association is aborted.
	Handshakes int
	// Associations is the number of associations of a listener, handshakes
	// included. Above it peers of TCP get RST and of SCTPKernel ABORT; otherwise an
	// INIT is lost.
	Associations int
}

// withDefaults returns l with every field set.
func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	wait := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.MaxMessage, DefaultMaxMessage)
	l.MaxMessage = min((l.MaxMessage+3)&^3, DefaultMaxMessage)
	set(&l.ReadQueue, DefaultReadQueue)
	set(&l.Handshakes, DefaultHandshakes)
	set(&l.Associations, DefaultAssociations)
	wait(&l.HandshakeTimeout, DefaultHandshakeTimeout)
	wait(&l.FrameTimeout, DefaultFrameTimeout)
	wait(&l.SendTimeout, DefaultSendTimeout)
	wait(&l.CloseTimeout, DefaultCloseTimeout)
	return l
}

// liveness returns the time after which a silent peer is given up, 0 for never.
func liveness(d time.Duration) time.Duration {
	switch {
	case d < 0:
		return 0
	case d == 0:
		return DefaultLiveness
	}
	return d
}
