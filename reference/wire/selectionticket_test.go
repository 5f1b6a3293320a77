// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/ed25519"
	"errors"
	"testing"
)

// vectorElements are those of the vector's list, not in its order.
func vectorElements() []PoolElement {
	var list []PoolElement
	for _, e := range []SelectionEntry{{0x44, weighted(10)}, {0x11, weighted(5)}, {0x33, weighted(1)}, {0x22, weighted(0)}} {
		pe := testElement(ownServer)
		pe.ID, pe.Policy = e.ID, e.Policy
		list = append(list, pe)
	}
	return list
}

func weighted(w uint32) Policy { return Policy{Type: WeightedRandom, Weight: w} }

func TestSelectionTicketVector(t *testing.T) {
	value, list := extensionVector(t, "ticket"), extensionVector(t, "list")
	key := ed25519.PublicKey(extensionVector(t, "registrar-key"))
	other := testKey(0).Public().(ed25519.PublicKey)
	if err := VerifySelectionTicket([]ed25519.PublicKey{other, nil, key}, testHandle, value); err != nil {
		t.Error(err)
	}
	ticket, err := ParseSelectionTicket(value)
	if err != nil {
		t.Fatal(err)
	}
	want := NewSelectionTicket(ownServer, 3, [32]byte(extensionVector(t, "nonce-3")), [16]byte(extensionVector(t, "lot")), list)
	if ticket != want || !ticket.Lists(list) || ticket.Lists(list[:len(list)-16]) {
		t.Errorf("got %+v\nwant %+v", ticket, want)
	}
	signed := ticket.Sign(testKey(32), testHandle)
	checkSame(t, "signed", signed, value)
	opensslAgrees(t, key, ticketStatement(testHandle, signed[:ticketFixed]), signed[ticketFixed:])
	for _, err := range []error{
		VerifySelectionTicket([]ed25519.PublicKey{other}, testHandle, value),
		VerifySelectionTicket(nil, testHandle, value),
		VerifySelectionTicket([]ed25519.PublicKey{key}, PoolHandle("other"), value),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("got %v", err)
		}
	}
	for i := range value {
		value[i] ^= 1
		if VerifySelectionTicket([]ed25519.PublicKey{key}, testHandle, value) == nil {
			t.Errorf("octet %d is not covered", i)
		}
		value[i] ^= 1
	}
}

func TestSelectionListVector(t *testing.T) {
	want := extensionVector(t, "list")
	list, err := SelectionList(vectorElements())
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "list", list, want)
	entries, err := ParseSelectionList(want)
	if err != nil || len(entries) != 4 || entries[3].ID != 0x44 || entries[3].Policy.Weight != 10 || entries[1].Policy.Weight != 0 {
		t.Errorf("read %+v, %v", entries, err)
	}
	twice := append(vectorElements(), vectorElements()[0])
	if _, err := SelectionList(twice); !errors.Is(err, ErrOrder) {
		t.Errorf("an element twice: %v", err)
	}
}

func TestSelectionListRefusals(t *testing.T) {
	list := extensionVector(t, "list")
	for name, b := range map[string][]byte{
		"cut in an identifier": list[:18], "identifier alone": list[:20], "cut in a policy": list[:30],
		"descending": append(append([]byte(nil), list[16:32]...), list[:16]...),
		"twice":      append(append([]byte(nil), list[:16]...), list[:16]...),
		"a handle":   append([]byte{0, 0, 0, 1}, rawHandle().Bytes()...),
	} {
		if got, err := ParseSelectionList(b); !errors.Is(err, ErrExtension) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestResolutionResponseCarriesTheTicket(t *testing.T) {
	b := extensionVector(t, "response")
	m := decodeOK(t, ASAP, Strict(), b).(*HandleResolutionResponse)
	checkSame(t, "ticket", m.Ticket, extensionVector(t, "ticket"))
	again, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "encoded", again, b)
	list, err := SelectionList(m.Elements)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "list", list, extensionVector(t, "list"))
	short := RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), rawElement(rawSCTP(), rawRR()), RawParameter(ParameterSelectionTicket).Put(1))
	checkRefused(t, ASAP, Strict(), short, ErrLength, "ASAP_HANDLE_RESOLUTION_RESPONSE: selection ticket at 56: length 0x5: wrong length")
	m.Ticket = m.Ticket[1:]
	checkNotEncoded(t, Strict(), m, ErrLength, "encode ASAP_HANDLE_RESOLUTION_RESPONSE: selection ticket: size 0x9f: wrong length")
}

func FuzzParseSelectionList(f *testing.F) {
	f.Add(extensionVector(f, "list"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ParseSelectionList(b); err != nil && !errors.Is(err, ErrExtension) {
			t.Error(err)
		}
	})
}
