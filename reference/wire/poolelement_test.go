// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestPoolElementParts(t *testing.T) {
	user, policy := rawSCTP(), rawRR()
	e := testElement(ownServer)
	full := e
	full.ASAP, full.HasASAP = sctpTransport(4711), true
	any := with(func(o *Options) { o.AnyOrder = true })
	for _, c := range []struct {
		parts []*Raw
		o     Options
		want  PoolElement
	}{
		{[]*Raw{user, policy}, Strict(), e},
		{[]*Raw{user, policy, user}, Strict(), full},
		{[]*Raw{policy, user}, any, e},
		{[]*Raw{user, user, policy}, any, full},
	} {
		raw := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(c.parts...))
		checkDecodes(t, c.o, raw, &Registration{PoolHandle: testHandle, Element: c.want})
	}
}

func TestPoolElementRefusals(t *testing.T) {
	user, policy := rawSCTP(), rawRR()
	for _, c := range []struct {
		parts []*Raw
		err   error
		want  string
	}{
		{nil, ErrMissing, "SCTP transport at 32: 0x4: missing"},
		{[]*Raw{user}, ErrMissing, "policy at 48: 0x8: missing"},
		{[]*Raw{policy, user}, ErrOrder, "SCTP transport at 40: 0x4: not allowed here"},
		{[]*Raw{user, policy, policy}, ErrOrder, "policy at 56: 0x8: not allowed here"},
		{[]*Raw{user, user, policy}, ErrOrder, "policy at 64: 0x8: not allowed here"},
		{[]*Raw{user, policy, user, user}, ErrOrder, "SCTP transport at 72: 0x4: not allowed here"},
		{[]*Raw{user, policy, rawTransport(ParameterTCP, 1, 0, rawIPv4())}, ErrOrder, "TCP transport at 56: 0x5: not allowed here"},
		{[]*Raw{user, policy, rawHandle()}, ErrOrder, "pool handle at 56: 0x9: not allowed here"},
	} {
		raw := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(c.parts...))
		checkRefused(t, ASAP, Strict(), raw, c.err, "ASAP_REGISTRATION: "+c.want)
	}
	short := RawMessage(TypeRegistration).Add(rawHandle(), RawParameter(ParameterPoolElement).Put32(1).Put32(2))
	checkRefused(t, ASAP, Strict(), short, ErrLength, "ASAP_REGISTRATION: pool element at 16: length 0xc: wrong length")
}

// lived is a message with the 32 bits of the registration life.
func lived(life uint32) *Raw {
	return RawMessage(TypeRegistration).Add(rawHandle(),
		RawParameter(ParameterPoolElement).Put32(uint32(testPE)).Put32(0).Put32(life).Add(rawSCTP(), rawRR()))
}

func TestPoolElementLife(t *testing.T) {
	ms := with(func(o *Options) { o.LifeMilliseconds = true })
	for _, c := range []struct {
		o        Options
		received uint32
		life     int32
		sent     uint32
	}{
		{Strict(), 30, 30, 30},
		{Strict(), 0, 0, 0},
		{Strict(), 0xffffffff, LifeInfinite, 0xffffffff},
		{Strict(), 0x7fffffff, 0x7fffffff, 0x7fffffff},
		{Lenient(), 0xfffffffe, -2, 0xfffffffe},
		{ms, 30000, 30, 30000},
		{ms, 30, 1, 1000}, // never 0: that would mean expired
		{ms, 0, 0, 0},
		{ms, 0xffffffff, LifeInfinite, 0xffffffff},
		{ms, 0xfffffffe, 4294968, 0xfffffffe}, // 49 days is the most that is not infinite
	} {
		m := &Registration{PoolHandle: testHandle, Element: testElement(0)}
		m.Element.Life = c.life
		checkDecodes(t, c.o, lived(c.received), m)
		checkBytes(t, c.o, m, lived(c.sent))
	}
	checkRefused(t, ASAP, Strict(), lived(0xfffffffe), ErrValue,
		"ASAP_REGISTRATION: pool element at 16: registration life 0xfffffffe: illegal value")
	m := &Registration{PoolHandle: testHandle, Element: testElement(0)}
	m.Element.Life = -2
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ASAP_REGISTRATION: pool element: registration life 0xfffffffe: illegal value")
}

func TestPoolElementASAPTransportIsSCTP(t *testing.T) {
	m := &Registration{PoolHandle: testHandle, Element: testElement(0)}
	m.Element.HasASAP = true
	m.Element.ASAP = sctpTransport(1)
	m.Element.ASAP.Kind = TransportUDP
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ASAP_REGISTRATION: pool element: ASAP transport kind 0x6: illegal value")
}

func TestPoolElementForgetsEarlierASAPTransport(t *testing.T) {
	m := &Registration{}
	raw := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), rawRR(), rawSCTP()))
	if err := m.Decode(raw.Bytes(), nil); err != nil || !m.Element.HasASAP {
		t.Fatalf("error %v, has %v", err, m.Element.HasASAP)
	}
	if err := m.Decode(vectorBytes(t, "A01"), nil); err != nil {
		t.Fatal(err)
	}
	if want := (&Registration{PoolHandle: testHandle, Element: testElement(0)}); !same(m, want) {
		t.Errorf("got %+v", m)
	}
}
