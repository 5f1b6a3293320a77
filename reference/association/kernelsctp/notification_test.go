// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	lib "github.com/ishidawataru/sctp"
	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The causes are laid out by RFC 9260 section 3.3.10.
func TestLossIsExplainedByTheABORT(t *testing.T) {
	for _, c := range []struct {
		name, info string
		is         error
		text       string
	}{
		{name: "no ABORT: the kernel gave up", is: sctp.ErrUnreachable},
		{name: "chunk without a cause", info: "06010004", is: sctp.ErrAborted},
		{name: "user's reason", info: "000c0007627965", is: sctp.ErrAborted, text: `"bye"`},
		{name: "user's reason after the chunk header", info: "0600000b000c000762796500", is: sctp.ErrAborted, text: `"bye"`},
		{name: "user without a reason", info: "000c0004", is: sctp.ErrAborted},
		{name: "reason longer than the chunk", info: "000cffff627965", is: sctp.ErrAborted},
		{name: "protocol violation", info: "000d0004", is: sctp.ErrAborted, text: "13"},
		{name: "cut off", info: "000c", is: sctp.ErrAborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, err := hex.DecodeString(c.info)
			if err != nil {
				t.Fatal(err)
			}
			if err := lost(info); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %v with %q", err, c.is, c.text)
			}
		})
	}
}

// sctp_assoc_change of RFC 6458 section 6.1.1; numbers are in the host's order.
func TestAssociationChangeIsRead(t *testing.T) {
	b := binary.NativeEndian.AppendUint16(nil, 0x8001) // SCTP_ASSOC_CHANGE of linux/sctp.h
	b = binary.NativeEndian.AppendUint16(b, 0)
	b = binary.NativeEndian.AppendUint32(b, 23)
	for _, v := range []uint16{1, 12, 10, 10} { // SCTP_COMM_LOST, error, streams
		b = binary.NativeEndian.AppendUint16(b, v)
	}
	b = append(binary.NativeEndian.AppendUint32(b, 77), "bye"...)
	c, ok := parseChange(b)
	if !ok || c.state != lib.SCTP_COMM_LOST || c.id != 77 || string(c.info) != "bye" {
		t.Errorf("%+v, %v", c, ok)
	}
	if _, ok := parseChange(b[:19]); ok {
		t.Error("a notification that is cut off was read")
	}
	b[0]++
	if _, ok := parseChange(b); ok {
		t.Error("another notification was read as a change")
	}
}

// linux/sctp.h: 152 octets of sctp_paddrparams are what kernels without flow labels take.
func TestOptionsHaveTheSizesOfTheKernel(t *testing.T) {
	for want, v := range map[int]any{16: rtoInfo{}, 20: assocInfo{}, 152: pathParams{}, 32: lib.SndRcvInfo{}, 8: lib.InitMsg{}} {
		if got := binary.Size(v); got != want {
			t.Errorf("%T has %d octets, want %d", v, got, want)
		}
	}
}
