// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// SelectionTicket is what a registrar signs about one resolution, so that the pool user can
// show a pool element how it was selected (draft-ietf-rserpool-threats-15 section 2.17). The
// parameter's value is
//
//	0      algorithm, 16 bits: 1 is Ed25519 over SHA-256 digests
//	2      reserved, 16 bits: 0
//	4      server ID of the registrar, 32 bits
//	8      epoch, 64 bits
//	16     nonce of the epoch, 32 octets, the same for everybody
//	48     lot of the pool user in this epoch, 16 octets
//	64     SHA-256 of the list that was shown, 32 octets, see SelectionList
//	96     signature, 64 octets
//
// all of it big endian. What is signed is the label "rspthreat selection ticket 1", the length
// of the pool handle in 16 bits, the pool handle, and the value before the signature.
type SelectionTicket struct {
	Server ServerID
	Epoch  uint64
	Nonce  [SelectionNonceLength]byte
	Lot    [SelectionLotLength]byte
	List   [sha256.Size]byte
}

// Sizes of a selection ticket in octets.
const (
	ticketLabel = "rspthreat selection ticket 1"
	ticketFixed = 96

	SelectionNonceLength  = 32
	SelectionLotLength    = 16
	SelectionTicketLength = ticketFixed + ed25519.SignatureSize
)

// NewSelectionTicket returns the ticket about a list.
func NewSelectionTicket(server ServerID, epoch uint64, nonce [SelectionNonceLength]byte, lot [SelectionLotLength]byte, list []byte) SelectionTicket {
	return SelectionTicket{Server: server, Epoch: epoch, Nonce: nonce, Lot: lot, List: sha256.Sum256(list)}
}

// Sign returns the value of a selection ticket parameter for a pool.
func (s *SelectionTicket) Sign(key ed25519.PrivateKey, pool PoolHandle) []byte {
	b := make([]byte, 0, SelectionTicketLength)
	b = binary.BigEndian.AppendUint16(b, algorithmEd25519)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Server))
	b = binary.BigEndian.AppendUint64(b, s.Epoch)
	b = append(b, s.Nonce[:]...)
	b = append(b, s.Lot[:]...)
	b = append(b, s.List[:]...)
	return append(b, ed25519.Sign(key, ticketStatement(pool, b))...)
}

// ticketStatement is what is signed.
func ticketStatement(pool PoolHandle, before []byte) []byte {
	b := append(make([]byte, 0, len(ticketLabel)+2+len(pool)+len(before)), ticketLabel...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(pool)))
	b = append(b, pool...)
	return append(b, before...)
}

// ParseSelectionTicket reads the value of a selection ticket parameter. It does not look at
// the signature. The error wraps ErrExtension.
func ParseSelectionTicket(value []byte) (SelectionTicket, error) {
	if len(value) != SelectionTicketLength {
		return SelectionTicket{}, fmt.Errorf("%w: selection ticket of %d octets", ErrExtension, len(value))
	}
	if a := binary.BigEndian.Uint16(value); a != algorithmEd25519 {
		return SelectionTicket{}, fmt.Errorf("%w: selection ticket with algorithm %d", ErrExtension, a)
	}
	return SelectionTicket{
		Server: ServerID(binary.BigEndian.Uint32(value[4:])), Epoch: binary.BigEndian.Uint64(value[8:]),
		Nonce: [SelectionNonceLength]byte(value[16:]), Lot: [SelectionLotLength]byte(value[48:]), List: [sha256.Size]byte(value[64:]),
	}, nil
}

// VerifySelectionTicket tells whether one of the keys signed the value of a selection ticket
// parameter for a pool: ErrSignature if none did, ErrExtension if it has the wrong length.
func VerifySelectionTicket(keys []ed25519.PublicKey, pool PoolHandle, value []byte) error {
	if len(value) != SelectionTicketLength {
		return fmt.Errorf("%w: selection ticket of %d octets", ErrExtension, len(value))
	}
	statement := ticketStatement(pool, value[:ticketFixed])
	for _, key := range keys {
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, statement, value[ticketFixed:]) {
			return nil
		}
	}
	return fmt.Errorf("%w of a selection ticket for pool %s", ErrSignature, pool)
}

// SelectionEntry is one pool element as it was shown to the pool user.
type SelectionEntry struct {
	ID     PEID
	Policy Policy
}

// SelectionList returns the list of a resolution as it is hashed and shown to pool elements:
// PE identifier, 32 bits, and policy parameter with its padding, for each element in ascending
// order of the identifiers. The error is an *EncodeError; ErrOrder means an identifier that
// comes twice.
func SelectionList(elements []PoolElement) ([]byte, error) {
	order := make([]*PoolElement, len(elements))
	for i := range elements {
		order[i] = &elements[i]
	}
	slices.SortFunc(order, func(a, b *PoolElement) int { return cmp.Compare(a.ID, b.ID) })
	w := writer{o: &strict, protocol: ASAP, typ: TypeSelectionProof}
	for i, e := range order {
		if i > 0 && order[i-1].ID == e.ID {
			w.fail("selection list", "PE identifier", uint64(e.ID), ErrOrder)
		}
		w.word(uint32(e.ID))
		w.policy(&e.Policy)
		w.pad()
	}
	if w.err != nil {
		return nil, w.err
	}
	return w.b, nil
}

// ParseSelectionList reads such a list; the result aliases it. The error wraps ErrExtension.
func ParseSelectionList(list []byte) ([]SelectionEntry, error) {
	var entries []SelectionEntry
	var skip skipped
	r := reader{b: list, o: &strict, skipped: &skip, protocol: ASAP, typ: TypeSelectionProof}
	for s := (span{end: len(list)}); r.err == nil && s.pos < s.end; {
		e := SelectionEntry{ID: PEID(r.word(&s, "PE identifier"))}
		if r.err == nil && s.pos == s.end {
			r.fail(s.pos, "policy", "", 0, ErrMissing)
		}
		if r.err != nil {
			break
		}
		t, ok := r.header(&s, false)
		switch n := len(entries); {
		case !ok:
		case t.typ != ParameterPolicy:
			r.fail(t.at, ParameterName(t.typ), "", uint64(t.typ), ErrOrder)
		case n > 0 && entries[n-1].ID >= e.ID:
			r.fail(t.at, "selection list", "PE identifier", uint64(e.ID), ErrOrder)
		case n >= DefaultMaxElements:
			r.fail(t.at, "selection list", "count", uint64(n), ErrTooLarge)
		default:
			r.policy(t, &e.Policy)
			entries = append(entries, e)
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: selection list: %w", ErrExtension, r.err)
	}
	return entries, nil
}

// Lists tells whether the ticket is about this list.
func (s *SelectionTicket) Lists(list []byte) bool {
	sum := sha256.Sum256(list)
	return bytes.Equal(sum[:], s.List[:])
}

// selectionTicket decodes a selection ticket parameter.
func (r *reader) selectionTicket(t tlv) []byte {
	if t.end-t.pos != SelectionTicketLength {
		r.fail(t.at, "selection ticket", "length", uint64(t.end-t.at), ErrLength)
		return nil
	}
	return r.value(t)
}

// selectionTicket encodes a selection ticket parameter, unless there is none.
func (w *writer) selectionTicket(value []byte) {
	switch {
	case len(value) == 0:
	case len(value) != SelectionTicketLength:
		w.fail("selection ticket", "size", uint64(len(value)), ErrLength)
	default:
		w.bytes(ParameterSelectionTicket, "selection ticket", value)
	}
}
