// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reports"
)

// Bounds of the evidence of one check: a system that floods the harness must not fill its
// memory. Beyond them packets and messages are counted, not kept.
const (
	maxCaptureBytes = 64 << 20 // packets and the key log
	maxMessageBytes = 64 << 20 // messages, in hexadecimal
)

// recorder keeps what crosses the wire and what the nodes say, while the check goes on.
type recorder struct {
	interference

	step atomic.Int64 // index of the current step

	mu       sync.Mutex
	frames   []reports.Frame
	keyLog   []byte
	messages []reports.Message
	bytes    int // of frames and keyLog
	spoken   int // bytes of messages
	left     int // frames left out
	unheard  int // messages left out
}

// Record keeps one event on the wire.
func (r *recorder) Record(in association.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+len(in.Data) > maxCaptureBytes {
		r.left++
		return
	}
	r.bytes += len(in.Data)
	f := reports.Frame{
		Time: in.Time, Transport: string(in.Transport), Kind: frameKind(in.Kind),
		Src: in.Remote, Dst: in.Local, Data: append([]byte(nil), in.Data...),
		Comment: fmt.Sprintf("step %d", r.step.Load()+1),
	}
	if in.Outbound {
		f.Src, f.Dst = in.Local, in.Remote
	}
	f.Src, f.Dst = unmap(f.Src), unmap(f.Dst)
	r.frames = append(r.frames, f)
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

func frameKind(k association.RecordKind) reports.FrameKind {
	switch k {
	case association.RecordOpen:
		return reports.FrameOpen
	case association.RecordClose:
		return reports.FrameClose
	case association.RecordReset:
		return reports.FrameReset
	default:
		return reports.FrameData
	}
}

// Write keeps key log lines. It never fails, since a handshake would fail with it.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bytes+len(p) > maxCaptureBytes {
		return len(p), nil // the packets that it would decrypt are left out as well
	}
	r.bytes += len(p)
	r.keyLog = append(r.keyLog, p...)
	return len(p), nil
}

// Message keeps one message as a node saw it.
func (r *recorder) Message(e script.Event) {
	m := reports.Message{
		Time: e.Time, Step: int(r.step.Load()), From: e.From, To: e.To,
		Door: e.Door.String(), Secured: e.Door.Secured, Hex: hex.EncodeToString(e.Payload),
		Fields: dissect(e.Door.Protocol, e.Payload),
	}
	switch {
	case e.Message != nil:
		m.Name, m.Summary = e.Message.Name(), summarise(e.Message)
	case e.Err != nil:
		m.Name, m.Summary = "malformed", e.Err.Error()
	default:
		m.Name = "malformed"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spoken+len(m.Hex) > maxMessageBytes {
		r.unheard++
		return
	}
	r.spoken += len(m.Hex)
	r.messages = append(r.messages, m)
}

// said returns the messages that were kept, and the number of those that were not.
func (r *recorder) said() ([]reports.Message, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]reports.Message(nil), r.messages...), r.unheard
}

// leftOut tells how many packets are not in the capture.
func (r *recorder) leftOut() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

func (r *recorder) capture() *reports.Capture {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &reports.Capture{
		Frames: append([]reports.Frame(nil), r.frames...),
		KeyLog: append([]byte(nil), r.keyLog...),
	}
}
