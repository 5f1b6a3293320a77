// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"fmt"

	lib "github.com/ishidawataru/sctp"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

const (
	// changeLength is that of sctp_assoc_change (RFC 6458 section 6.1.1) without
	// the information at its end.
	changeLength = 20
	// chunkAbort is the type of an ABORT chunk, causeUser the cause code of the
	// one that a user asked for (RFC 9260 sections 3.3.7 and 3.3.10.12).
	chunkAbort = 6
	causeUser  = 12
	tlvHeader  = 4
)

// change is the notification SCTP_ASSOC_CHANGE.
type change struct {
	state lib.SCTPState
	id    int32
	info  []byte
}

// parseChange returns false for other notifications.
func parseChange(b []byte) (change, bool) {
	if len(b) < changeLength || lib.SCTPNotificationType(binary.NativeEndian.Uint16(b)) != lib.SCTP_ASSOC_CHANGE {
		return change{}, false
	}
	return change{
		state: lib.SCTPState(binary.NativeEndian.Uint16(b[8:])),
		id:    int32(binary.NativeEndian.Uint32(b[16:])),
		info:  b[changeLength:],
	}, true
}

// isPartialDelivery tells the notification that the rest of a message, of which a
// part was delivered, will not come.
func isPartialDelivery(b []byte) bool {
	return len(b) >= 2 && lib.SCTPNotificationType(binary.NativeEndian.Uint16(b)) == lib.SCTP_PARTIAL_DELIVERY_EVENT
}

// lost says why an association was lost: the kernel adds the ABORT when there was
// one, with or without the header of the chunk, and nothing when it gave up.
func lost(info []byte) error {
	if len(info) == 0 {
		return sctp.ErrUnreachable
	}
	if info[0] == chunkAbort && len(info) >= tlvHeader {
		info = info[tlvHeader:]
	}
	if len(info) < tlvHeader {
		return sctp.ErrAborted
	}
	code, length := binary.BigEndian.Uint16(info), int(binary.BigEndian.Uint16(info[2:]))
	switch {
	case code == causeUser && length > tlvHeader && length <= len(info):
		return fmt.Errorf("%w: %q", sctp.ErrAborted, info[tlvHeader:length])
	case code == causeUser:
		return sctp.ErrAborted
	}
	return fmt.Errorf("%w: error cause %d", sctp.ErrAborted, code)
}
