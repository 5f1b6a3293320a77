// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// SelectionProof shows a pool element how the pool user selected it
// (draft-ietf-rserpool-threats-15 section 2.17, an experimental extension, see
// reference/EXTENSIONS.md). It goes over the control channel. The action bits of its type have
// those that do not know it discard it, and so does the decoder without Options.SelectionProof.
type SelectionProof struct {
	// Counter numbers the selections that the user makes with one lot, from 0. Attempt is
	// how many elements were drawn before this one in the same selection.
	Counter, Attempt uint32
	PoolHandle       PoolHandle
	PEID             PEID
	// Ticket is the value of the registrar's selection ticket parameter.
	Ticket []byte
	// List is the list that was selected from, see SelectionList.
	List []byte

	skipped
}

// TypeSelectionProof is the message type of a SelectionProof, from the end of the types that
// are discarded by who does not know them. MessageTypes does not list it.
const TypeSelectionProof uint8 = 0x3f

const selectionProofName = "ASAP_SELECTION_PROOF"

// Protocol returns ASAP.
func (*SelectionProof) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*SelectionProof) Type() uint8 { return TypeSelectionProof }

// Name returns the name.
func (*SelectionProof) Name() string { return selectionProofName }

// Positions of the parameters in a SelectionProof.
const (
	inProofHandle = 1 << iota
	inProofPEID
	inProofTicket
	inProofList
)

// Decode reads one message, see [Message].
func (m *SelectionProof) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeSelectionProof, &m.skipped)
	s.extension, s.extensions = ParameterSelectionTicket, 2
	m.Counter, m.Attempt = r.word(&s, "counter"), r.word(&s, "attempt")
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		switch t.typ {
		case ParameterPoolHandle:
			if r.single(&s, inProofHandle, t) {
				m.PoolHandle = r.handle(t)
			}
		case ParameterPEIdentifier:
			if r.single(&s, inProofPEID, t) {
				m.PEID = PEID(r.word32(t))
			}
		case ParameterSelectionTicket:
			if r.single(&s, inProofTicket, t) {
				m.Ticket = r.selectionTicket(t)
			}
		case ParameterSelectionList:
			if r.single(&s, inProofList, t) {
				m.List = r.value(t)
			}
		default:
			r.extra(t)
		}
	}
	r.require(&s, inProofHandle, ParameterPoolHandle)
	r.require(&s, inProofPEID, ParameterPEIdentifier)
	r.require(&s, inProofTicket, ParameterSelectionTicket)
	r.require(&s, inProofList, ParameterSelectionList)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *SelectionProof) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeSelectionProof, 0)
	w.word(m.Counter)
	w.word(m.Attempt)
	w.handle(m.PoolHandle)
	w.word32(ParameterPEIdentifier, uint32(m.PEID))
	if len(m.Ticket) == 0 {
		w.fail("selection ticket", "", 0, ErrMissing)
	}
	w.selectionTicket(m.Ticket)
	w.bytes(ParameterSelectionList, "selection list", m.List)
	return w.finish(dst)
}

func (m *SelectionProof) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Ticket, c.List = slices.Clone(m.Ticket), slices.Clone(m.List)
	return &c
}
