// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"
)

func TestSelectionProofVector(t *testing.T) {
	b := extensionVector(t, "proof")
	if _, err := Decode(ASAP, b, nil); !errors.Is(err, ErrUnknownMessage) {
		t.Errorf("strict: %v, want an unknown message", err)
	}
	known := with(func(o *Options) { o.SelectionProof = true })
	want := &SelectionProof{
		Counter: 0, Attempt: 0, PoolHandle: testHandle, PEID: 0x44,
		Ticket: extensionVector(t, "ticket"), List: extensionVector(t, "list"),
	}
	m := decodeOK(t, ASAP, known, b)
	if !same(m, want) || !same(Clone(m), want) || m.Name() != "ASAP_SELECTION_PROOF" || MessageName(ASAP, m.Type()) != m.Name() {
		t.Errorf("decoded %+v\nwant %+v", m, want)
	}
	again, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "encoded", again, b)
	d := Decoder{Options: known}
	for range 2 {
		if m, err := d.Decode(ASAP, b); err != nil || !same(m, want) {
			t.Errorf("decoder: %+v, %v", m, err)
		}
	}
}

func TestSelectionProofRefusals(t *testing.T) {
	known := with(func(o *Options) { o.SelectionProof = true })
	proof := func() *Raw { return RawMessage(TypeSelectionProof).Put32(0).Put32(0) }
	ticket := func() *Raw {
		return RawParameter(ParameterSelectionTicket).Put(make([]byte, SelectionTicketLength)...)
	}
	list := RawParameter(ParameterSelectionList)
	checkRefused(t, ASAP, known, RawMessage(TypeSelectionProof).Put32(0), ErrTruncated, "ASAP_SELECTION_PROOF: message at 8: attempt 0x0: truncated")
	checkRefused(t, ASAP, known, proof(), ErrMissing, "ASAP_SELECTION_PROOF: pool handle at 12: 0x9: missing")
	checkRefused(t, ASAP, known, proof().Add(rawHandle(), rawPEID()), ErrMissing, "ASAP_SELECTION_PROOF: selection ticket at 32: 0xbffe: missing")
	checkRefused(t, ASAP, known, proof().Add(rawHandle(), rawPEID(), ticket()), ErrMissing, "ASAP_SELECTION_PROOF: selection list at 196: 0xbfff: missing")
	checkRefused(t, ASAP, known, proof().Add(rawHandle(), rawPEID(), list, ticket()), ErrOrder, "ASAP_SELECTION_PROOF: selection ticket at 36: 0xbffe: not allowed here")
	checkRefused(t, ASAP, known, proof().Add(rawHandle(), rawPEID(), ticket(), list, rawRR()), ErrOrder, "ASAP_SELECTION_PROOF: policy at 200: 0x8: not allowed here")
	checkNotEncoded(t, known, &SelectionProof{PoolHandle: testHandle}, ErrMissing, "encode ASAP_SELECTION_PROOF: selection ticket: 0x0: missing")
}
