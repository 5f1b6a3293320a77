// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Eavesdropper is a passive node on the path (draft section 2.11). It is a Tap: it gets
// what crosses the wire and nothing else, and looks for what it knows the shape of.
type Eavesdropper struct {
	mu    sync.Mutex
	flows map[flow][]byte
	full  bool
	shape Shape
}

type flow struct {
	from, to  netip.AddrPort
	transport association.Transport
}

// maxOverheard bounds what the eavesdropper keeps of all flows together.
const maxOverheard = 16 << 20

// Secret is something that must not be readable on the wire.
type Secret struct {
	What  string
	Bytes []byte
}

// Secrets are what the registration of an element gives away when it can be read: the
// handle, the identifier, and the addresses as the parameters of RFC 5354 have them (an
// address alone is in every IP header).
func Secrets(pool string, pe *wire.PoolElement) []Secret {
	secrets := []Secret{
		{"pool handle", []byte(pool)},
		{"PE identifier", binary.BigEndian.AppendUint32(nil, uint32(pe.ID))},
	}
	for _, a := range pe.User.Addrs {
		tlv := []byte{0, 1, 0, 8}
		if a.Is6() && !a.Is4In6() {
			tlv = []byte{0, 2, 0, 20}
		}
		secrets = append(secrets, Secret{"transport address", append(tlv, a.Unmap().AsSlice()...)})
	}
	return secrets
}

// Record keeps the data of one direction of a flow together, since a stream may be cut
// anywhere.
func (e *Eavesdropper) Record(r association.Record) {
	if r.Kind != association.RecordData {
		return
	}
	f := flow{r.Remote, r.Local, r.Transport}
	if r.Outbound {
		f.from, f.to = r.Local, r.Remote
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flows == nil {
		e.flows = make(map[flow][]byte)
	}
	if e.full || e.size()+len(r.Data) > maxOverheard {
		e.full = true
		return
	}
	e.flows[f] = append(e.flows[f], r.Data...)
	if e.shape.Pieces == 0 || len(r.Data) < e.shape.Shortest {
		e.shape.Shortest = len(r.Data)
	}
	e.shape.Pieces++
	e.shape.Longest = max(e.shape.Longest, len(r.Data))
}

func (e *Eavesdropper) size() int {
	n := 0
	for _, b := range e.flows {
		n += len(b)
	}
	return n
}

// Overheard returns the number of octets that the eavesdropper has, and whether that is all
// that passed.
func (e *Eavesdropper) Overheard() (octets int, all bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.size(), !e.full
}

// Reads returns the names of the secrets that it can read.
func (e *Eavesdropper) Reads(secrets []Secret) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found []string
	for _, s := range secrets {
		for _, b := range e.flows {
			if bytes.Contains(b, s.Bytes) && !slices.Contains(found, s.What) {
				found = append(found, s.What)
			}
		}
	}
	return found
}

// Shape is what encryption does not hide of what was overheard.
type Shape struct {
	Flows             int // directions of associations
	Pieces            int // packets of SCTP, writes of TCP
	Shortest, Longest int // of them, in octets
}

// Shape returns what everybody on the path sees of the traffic.
func (e *Eavesdropper) Shape() Shape {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.shape
	s.Flows = len(e.flows)
	return s
}
