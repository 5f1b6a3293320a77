//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
)

// Of an SCTP packet and a DATA chunk (RFC 9260 sections 3 and 3.3.1).
const (
	commonHeader = 12
	dataHeader   = 16
	beginBit     = 2
	endBit       = 1
)

// dataChunk is what the kernel put into a DATA chunk.
type dataChunk struct {
	flags   byte
	tsn     uint32
	stream  uint16
	ppid    uint32
	payload []byte
}

// kernelData is a Tap on our side that keeps the DATA chunks of the kernel.
type kernelData struct {
	mu     sync.Mutex
	chunks map[uint32]dataChunk // by TSN: retransmissions count once
}

// Record implements association.Tap.
func (k *kernelData) Record(r association.Record) {
	if r.Outbound || len(r.Data) < commonHeader {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for b := r.Data[commonHeader:]; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			return
		}
		if b[0] == 0 && n > dataHeader {
			c := dataChunk{
				flags: b[1], tsn: binary.BigEndian.Uint32(b[4:]), stream: binary.BigEndian.Uint16(b[8:]),
				ppid: binary.BigEndian.Uint32(b[12:]), payload: slices.Clone(b[dataHeader:n]),
			}
			k.chunks[c.tsn] = c
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

// messages puts the chunks together again.
func (k *kernelData) messages() [][]dataChunk {
	k.mu.Lock()
	defer k.mu.Unlock()
	var tsns []uint32
	for tsn := range k.chunks {
		tsns = append(tsns, tsn)
	}
	slices.SortFunc(tsns, func(a, b uint32) int { return int(int32(a - b)) }) // serial numbers
	var list [][]dataChunk
	for _, tsn := range tsns {
		c := k.chunks[tsn]
		if c.flags&beginBit != 0 {
			list = append(list, nil)
		}
		if len(list) > 0 {
			list[len(list)-1] = append(list[len(list)-1], c)
		}
	}
	return list
}

// RFC 3436: one TLS record is one user message, on stream 0, and there is no PPID for it.
func TestKernelSendsOneRecordAMessage(t *testing.T) {
	ctx, g := boot(t)
	certificate := selfSigned(t, g)
	for _, security := range []string{"psk", "certificate"} {
		t.Run(security, func(t *testing.T) {
			tap := &kernelData{chunks: map[uint32]dataChunk{}}
			exchangeOver(ctx, t, tap, func(stack *association.Stack) *pair {
				return connect(ctx, t, g, stack, "guest listens", security, certificate)
			}, g.Host())
			messages := tap.messages()
			if len(messages) < 25 { // as many as were sent back, and the handshake
				t.Errorf("%d messages seen", len(messages))
			}
			for i, m := range messages {
				var b []byte
				for _, c := range m {
					if c.stream != 0 || c.ppid != 0 {
						t.Errorf("message %d on stream %d with PPID %d", i, c.stream, c.ppid)
					}
					b = append(b, c.payload...)
				}
				whole := m[len(m)-1].flags&endBit != 0
				if !whole || len(b) < 5 || len(b) != 5+int(binary.BigEndian.Uint16(b[3:])) {
					t.Errorf("message %d of %d octets is not one record: %.8x", i, len(b), b)
				}
			}
		})
	}
}

// exchangeOver runs an exchange that the tap sees until the end.
func exchangeOver(ctx context.Context, t *testing.T, tap association.Tap, connect func(*association.Stack) *pair, host netip.Addr) {
	t.Helper()
	stack, err := association.NewStack(association.StackConfig{Transport: association.SCTP, Local: host, Tap: tap})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	p := connect(stack)
	p.exchange(ctx, t, false)
	if err := p.ours.Close(ctx); err != nil {
		t.Error(err)
	}
}
