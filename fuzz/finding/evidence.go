// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"net/netip"
	"path"
	"path/filepath"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reports"
)

// maxEvidence bounds the octets that are kept of one script: a system that floods must not fill the memory.
const maxEvidence = 16 << 20

// Evidence records what crosses the wire while a script runs.
type Evidence struct {
	mu      sync.Mutex
	capture reports.Capture
	octets  int
}

// Record keeps one event on the wire.
func (e *Evidence) Record(in association.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.octets += len(in.Data); e.octets > maxEvidence {
		return
	}
	f := reports.Frame{
		Time: in.Time, Transport: string(in.Transport), Kind: frameKinds[in.Kind],
		Src: unmap(in.Remote), Dst: unmap(in.Local), Data: append([]byte(nil), in.Data...),
	}
	if in.Outbound {
		f.Src, f.Dst = f.Dst, f.Src
	}
	e.capture.Frames = append(e.capture.Frames, f)
}

var frameKinds = map[association.RecordKind]reports.FrameKind{
	association.RecordOpen: reports.FrameOpen, association.RecordClose: reports.FrameClose,
	association.RecordReset: reports.FrameReset, association.RecordData: reports.FrameData,
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Write keeps secrets of TLS sessions. It never fails, since a handshake would fail with it.
func (e *Evidence) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.octets+len(b) <= maxEvidence {
		e.octets += len(b)
		e.capture.KeyLog = append(e.capture.KeyLog, b...)
	}
	return len(b), nil
}

// Empty tells whether nothing was seen: the kernel's SCTP shows no packets.
func (e *Evidence) Empty() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.capture.Frames) == 0
}

// Capture writes what crossed the wire as the capture of a finding that is in the store.
func (s *Store) Capture(f *Finding, e *Evidence, doors []reports.Door) error {
	if e.Empty() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.capture.Doors = doors
	c := reports.Check{ID: f.Name, Title: f.Title}
	if err := reports.WriteCapture(filepath.Join(s.Dir, ScriptsDir), &c, &e.capture); err != nil {
		return err
	}
	f.Capture = path.Join(ScriptsDir, path.Base(c.Capture))
	return s.Save()
}
