// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

// The identifiers of the vectors.
const (
	ownServer  ServerID = 0x0a0b0c0d
	peerServer ServerID = 0x55667788
	testPE     PEID     = 0x12345678
)

var testHandle = PoolHandle("EchoPool")

// same reports whether two messages have the same content; nil and empty slices
// are the same. What the decoder skipped does not count.
func same(a, b Message) bool { return text(a) == text(b) }

func text(m Message) string {
	m = Clone(m)
	switch m := m.(type) {
	case interface{ forget() }:
		m.forget()
	}
	return fmt.Sprintf("%T%+v", m, m)
}

func (s *skipped) forget() { s.parameters = nil }

// sctpTransport is the user transport of the vectors.
func sctpTransport(port uint16) Transport {
	return Transport{Kind: TransportSCTP, Port: port, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
}

// testElement is the pool element of the vectors.
func testElement(home ServerID) PoolElement {
	return PoolElement{ID: testPE, Home: home, Life: 30, User: sctpTransport(4711), Policy: Policy{Type: RoundRobin}}
}

// fullElement is the pool element of the ENRP vectors.
func fullElement() PoolElement {
	e := testElement(peerServer)
	e.ASAP, e.HasASAP = sctpTransport(5000), true
	return e
}

// Valid pieces to build wrong messages from.
func rawHandle() *Raw { return RawParameter(ParameterPoolHandle).Put(testHandle...) }
func rawPEID() *Raw   { return RawParameter(ParameterPEIdentifier).Put32(uint32(testPE)) }
func rawIPv4() *Raw   { return RawParameter(ParameterIPv4).Put(10, 0, 0, 1) }
func rawIPv6() *Raw   { return RawParameter(ParameterIPv6).Put(netip.IPv6Unspecified().AsSlice()...) }
func rawRR() *Raw     { return RawParameter(ParameterPolicy).Put32(uint32(RoundRobin)) }
func rawCookie() *Raw { return RawParameter(ParameterCookie).Put(1, 2, 3, 4) }
func rawSum() *Raw    { return RawParameter(ParameterPEChecksum).Put16(0x29a5) }

func rawTransport(typ ParameterType, port, use uint16, addrs ...*Raw) *Raw {
	return RawParameter(typ).Put16(port).Put16(use).Add(addrs...)
}

func rawSCTP() *Raw { return rawTransport(ParameterSCTP, 4711, 0, rawIPv4()) }

func rawElement(parts ...*Raw) *Raw {
	return RawParameter(ParameterPoolElement).Put32(uint32(testPE)).Put32(uint32(ownServer)).Put32(30).Add(parts...)
}

func rawFullElement() *Raw { return rawElement(rawSCTP(), rawRR(), rawSCTP()) }

func rawInformation() *Raw {
	return RawParameter(ParameterServerInformation).Put32(uint32(peerServer)).Add(rawSCTP())
}

// rawError is an Operation Error with one cause.
func rawError(code CauseCode, info ...byte) *Raw {
	return RawParameter(ParameterOperationError).Add(RawParameter(ParameterType(code)).Put(info...))
}

// rawENRP starts an ENRP message.
func rawENRP(typ uint8) *Raw {
	return RawMessage(typ).Put32(uint32(peerServer)).Put32(uint32(ownServer))
}

// decodeOK decodes or fails the test.
func decodeOK(t *testing.T, p Protocol, o Options, b []byte) Message {
	t.Helper()
	m, err := Decode(p, b, &o)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return m
}

// checkVector decodes the vector and expects the message.
func checkVector(t *testing.T, name string, o Options, want Message) {
	t.Helper()
	m := decodeOK(t, want.Protocol(), o, vectorBytes(t, name))
	if !same(m, want) {
		t.Errorf("%s: decoded %+v\nwant %+v", name, m, want)
	}
	if m.Name() != MessageName(want.Protocol(), want.Type()) || m.Type() != want.Type() {
		t.Errorf("%s: is %s 0x%02x", name, m.Name(), m.Type())
	}
}

// checkDecodes expects the bytes to be accepted as the message.
func checkDecodes(t *testing.T, o Options, r *Raw, want Message) {
	t.Helper()
	if m := decodeOK(t, want.Protocol(), o, r.Bytes()); !same(m, want) {
		t.Errorf("decoded %+v\nwant %+v", m, want)
	}
}

// checkRefused expects the bytes to be refused with the sentinel and the text.
func checkRefused(t *testing.T, p Protocol, o Options, r *Raw, sentinel error, want string) {
	t.Helper()
	b := r.Bytes()
	_, err := Decode(p, b, &o)
	var refusal *DecodeError
	if !errors.As(err, &refusal) || !errors.Is(err, sentinel) || err.Error() != want {
		t.Errorf("%x:\n got %v\nwant %s (%v)", b, err, want, sentinel)
	}
}

// checkNotEncoded expects the message to be refused and dst to be untouched.
func checkNotEncoded(t *testing.T, o Options, m Message, sentinel error, want string) {
	t.Helper()
	b, err := m.Append([]byte("before"), &o)
	var refusal *EncodeError
	if !errors.As(err, &refusal) || !errors.Is(err, sentinel) || err.Error() != want {
		t.Errorf("got %v\nwant %s (%v)", err, want, sentinel)
	}
	if string(b) != "before" {
		t.Errorf("left %x in dst", b)
	}
}

// checkBytes expects the message to be encoded as these bytes.
func checkBytes(t *testing.T, o Options, m Message, want *Raw) {
	t.Helper()
	b, err := m.Append([]byte("before"), &o)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != "before"+string(want.Bytes()) {
		t.Errorf("encoded %x\nwant    %x", b[len("before"):], want.Bytes())
	}
}

// with returns the strict options with changes.
func with(change func(o *Options)) Options {
	var o Options
	change(&o)
	return o
}
