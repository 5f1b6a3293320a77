// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// HandleTableResponse carries a part of the handlespace (RFC 5353 section
// 2.3).
type HandleTableResponse struct {
	Sender, Receiver ServerID
	// Reject is the R flag; then there are no pools.
	Reject bool
	// More is the M flag: ask again for the rest.
	More  bool
	Pools []PoolEntry

	skipped
}

// Protocol returns ENRP.
func (*HandleTableResponse) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*HandleTableResponse) Type() uint8 { return TypeHandleTableResponse }

// Name returns the RFC's name.
func (*HandleTableResponse) Name() string { return messageNames[ENRP][TypeHandleTableResponse] }

// PoolEntry is a pool with its pool elements, at least one.
type PoolEntry struct {
	PoolHandle PoolHandle
	Elements   []PoolElement
}

// Decode reads one message, see [Message].
func (m *HandleTableResponse) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeHandleTableResponse, &m.skipped)
	m.Reject, m.More = r.flag(flagReject), r.flag(flagMore)
	m.Pools = m.Pools[:0]
	r.peers(&s, &m.Sender, &m.Receiver)
	elements := 0
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		m.decode(&r, t, &elements)
	}
	m.checkLast(&r, s.end)
	if m.Reject && len(m.Pools) > 0 && !r.o.LooseContent {
		r.fail(s.end, "message", "reject flag", uint64(len(m.Pools)), ErrValue)
	}
	return r.done()
}

// Append encodes the message, see [Message].
func (m *HandleTableResponse) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeHandleTableResponse, flagIf(m.Reject, flagReject)|flagIf(m.More, flagMore))
	w.peers(m.Sender, m.Receiver)
	if m.Reject && len(m.Pools) > 0 && !w.o.LooseContent {
		w.fail("message", "reject flag", uint64(len(m.Pools)), ErrValue)
	}
	w.count("pool entry", len(m.Pools), w.maxElements(), false)
	elements := 0
	for i := range m.Pools {
		p := &m.Pools[i]
		w.handle(p.PoolHandle)
		elements += len(p.Elements)
		w.count("pool element", elements, w.maxElements(), false)
		if w.count("pool element", len(p.Elements), w.maxElements(), true) {
			w.elements(p.Elements)
		}
		if w.err != nil {
			break
		}
	}
	return w.finish(dst)
}

func (m *HandleTableResponse) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Pools = slices.Clone(m.Pools)
	for i, p := range m.Pools {
		c.Pools[i] = PoolEntry{slices.Clone(p.PoolHandle), cloneElements(p.Elements)}
	}
	return &c
}

// flagMore is the M flag.
const flagMore = 0x02

// decode reads one parameter: a pool handle starts an entry, pool elements
// belong to the entry before them.
func (m *HandleTableResponse) decode(r *reader, t tlv, elements *int) {
	n := len(m.Pools)
	switch {
	case t.typ == ParameterPoolHandle:
		if n >= r.maxElements() {
			r.fail(t.at, "pool handle", "count", uint64(n)+1, ErrTooLarge)
			return
		}
		m.checkLast(r, t.at)
		m.Pools = extend(m.Pools)
		p := &m.Pools[n]
		p.PoolHandle, p.Elements = r.handle(t), p.Elements[:0]
	case t.typ == ParameterPoolElement && n > 0:
		if *elements++; *elements > r.maxElements() {
			r.fail(t.at, "pool element", "count", uint64(*elements), ErrTooLarge)
			return
		}
		p := &m.Pools[n-1]
		p.Elements = extend(p.Elements)
		r.element(t, &p.Elements[len(p.Elements)-1])
	case t.typ == ParameterPoolElement:
		r.fail(t.at, "pool element", "", uint64(t.typ), ErrOrder)
	default:
		r.extra(t)
	}
}

// checkLast refuses a pool entry without pool element.
func (m *HandleTableResponse) checkLast(r *reader, at int) {
	n := len(m.Pools)
	if n > 0 && len(m.Pools[n-1].Elements) == 0 && r.err == nil && !r.o.LooseContent {
		r.fail(at, "pool element", "", uint64(ParameterPoolElement), ErrMissing)
	}
}
