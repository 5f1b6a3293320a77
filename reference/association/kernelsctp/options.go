// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"errors"
	"time"

	lib "github.com/ishidawataru/sctp"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

const (
	// initialRTO is that of RFC 9260 section 16; Linux waits 3 s for the answer to
	// an INIT.
	initialRTO = time.Second
	// initAttempts leaves it to the context when a Dial is given up: a one-to-many
	// socket does not say whether the kernel gave up or the peer refused.
	initAttempts = 1<<16 - 1
	// streams is what is offered and taken each way, as in package sctp's INIT.
	streams = 10
	// minLiveness is that of TCP.
	minLiveness = 3 * time.Second
	// retransmissions is how many errors in a row an association survives. With
	// the doubling of the RTO from its minimum, 31 minima pass before the end.
	retransmissions = 4
	// window is the receive buffer that is asked for, and what may wait to be sent:
	// several messages of 64 kB, as in user space. The kernel doubles it for its own
	// needs and gives no more than net.core.rmem_max and wmem_max.
	window = 256 << 10
	// neverRetransmissions is the most that the kernel counts.
	neverRetransmissions = 1<<16 - 1
)

// Flags of SCTP_PEER_ADDR_PARAMS (RFC 6458 section 8.1.12).
const (
	heartbeatEnable  = 1 << 0
	heartbeatDisable = 1 << 1
)

// Structures of RFC 6458 section 8.1 that the library lacks.
type (
	rtoInfo struct {
		ID                int32
		Initial, Max, Min uint32 // ms
	}
	assocInfo struct {
		ID              int32
		Retransmissions uint16
		_               uint16 // read only
		_, _, _         uint32 // windows, read only; cookie life, 0 for no change
	}
	// pathParams is packed in Linux; later fields may be left out.
	pathParams struct {
		ID        int32
		Address   [128]byte // none: all paths
		Heartbeat uint32    // ms
		_         uint16    // retransmissions, 0 for no change
		_, _      uint32    // MTU and SACK delay, 0 for no change
		Flags     uint32
		_         [2]byte // padding before the flow label
	}
)

// configure sets what all associations of a socket will have.
func configure(fd int, o sctp.Options) error {
	in := uint16(streams)
	if o.SingleStream {
		in = 1
	}
	return errors.Join(
		setOption(fd, lib.SCTP_EVENTS, lib.EventSubscribe{DataIO: 1, Association: 1, PartialDelivery: 1}),
		setOption(fd, lib.SCTP_INITMSG, lib.InitMsg{NumOstreams: in, MaxInstreams: in, MaxAttempts: initAttempts}),
		setOption(fd, lib.SCTP_NODELAY, int32(1)),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, window),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, window),
		setLiveness(fd, o.Liveness),
	)
}

// setLiveness makes the kernel give up a peer that acknowledges nothing for about
// d, 0 for never. Data that nobody acknowledges end the association after about
// half of d, silence after d: a HEARTBEAT goes out every interval, and each one
// that is not acknowledged doubles the RTO, which adds to the interval.
func setLiveness(fd int, d time.Duration) error {
	if d == 0 {
		return errors.Join(
			setOption(fd, lib.SCTP_RTOINFO, rtoInfo{Initial: ms(initialRTO)}),
			setOption(fd, lib.SCTP_ASSOCINFO, assocInfo{Retransmissions: neverRetransmissions}),
			setOption(fd, lib.SCTP_PEER_ADDR_PARAMS, pathParams{Flags: heartbeatDisable}))
	}
	d = max(d, minLiveness)
	const doublings = 1<<(retransmissions+1) - 1
	least := min(initialRTO, d/2/doublings)
	most := least << retransmissions
	interval := (d - doublings*least) / (retransmissions + 1)
	return errors.Join(
		setOption(fd, lib.SCTP_RTOINFO, rtoInfo{Initial: ms(initialRTO), Max: ms(max(most, initialRTO)), Min: ms(least)}),
		setOption(fd, lib.SCTP_ASSOCINFO, assocInfo{Retransmissions: retransmissions}),
		setOption(fd, lib.SCTP_PEER_ADDR_PARAMS, pathParams{Heartbeat: ms(interval), Flags: heartbeatEnable}))
}

func ms(d time.Duration) uint32 { return uint32(d.Milliseconds()) }
