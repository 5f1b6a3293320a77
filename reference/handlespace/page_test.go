// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// pageSize is what the pool entries take in a message, by the encoder.
func pageSize(t require, pools []wire.PoolEntry) int {
	t.Helper()
	b, err := wire.Encode(&wire.HandleTableResponse{Sender: own, Receiver: peer, Pools: pools})
	if err != nil {
		t.Fatalf("page cannot be encoded: %v", err)
	}
	return len(b) - tableHeader
}

// require is what *testing.T and *rapid.T have in common.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// download collects all pages of at most maxBytes and calls between in between.
func download(t require, s *Space, maxBytes int, own bool, between func()) (all []Element) {
	t.Helper()
	var at Cursor
	for more := true; more; between() {
		var pools []wire.PoolEntry
		pools, at, more = s.Page(at, maxBytes, own)
		elements := 0
		for _, p := range pools {
			elements += len(p.Elements)
			for _, e := range p.Elements {
				all = append(all, Element{Handle: string(p.PoolHandle), PE: e})
			}
		}
		if n := pageSize(t, pools); n > maxBytes && elements != 1 {
			t.Fatalf("page of %d elements takes %d bytes, limit %d", elements, n, maxBytes)
		}
		if more && elements == 0 {
			t.Fatalf("page without elements is not the last")
		}
	}
	return all
}

func nothing() {}

func TestPagesAreFilled(t *testing.T) {
	s := New(Options{Server: own})
	for id := range wire.PEID(3) {
		mustRegister(t, s, "a", pe(id), "")
		mustRegister(t, s, "bcdef", pe(id, homed(peer)), "")
	}
	// Of RFC 5354: handle 4+4 or 4+8; element 16, SCTP transport 8, IPv4 address 8, policy 8.
	const a, b, element = 8, 12, 40
	for _, test := range []struct {
		limit int
		own   bool
		pages []int // elements
	}{
		{0, false, []int{6}},
		{a + b + 6*element, false, []int{6}},
		{a + b + 6*element - 1, false, []int{5, 1}},
		{a + 3*element + b + element, false, []int{4, 2}},
		{a + 3*element + b, false, []int{3, 3}},
		{1, false, []int{1, 1, 1, 1, 1, 1}},
		{0, true, []int{3}},
		{a + 2*element, true, []int{2, 1}},
	} {
		var at Cursor
		for i, want := range test.pages {
			pools, next, more := s.Page(at, test.limit, test.own)
			got := 0
			for _, p := range pools {
				got += len(p.Elements)
			}
			if got != want || more != (i < len(test.pages)-1) {
				t.Errorf("limit %d, own %v, page %d: %d elements, more %v", test.limit, test.own, i, got, more)
			}
			at = next
		}
	}
}

func TestEmptyTableIsOneEmptyPage(t *testing.T) {
	s := New(Options{Server: own})
	if pools, _, more := s.Page(Cursor{}, 0, false); len(pools) > 0 || more {
		t.Errorf("got %v, %v", pools, more)
	}
	mustRegister(t, s, "a", pe(1, homed(peer)), "")
	if pools, _, more := s.Page(Cursor{}, 0, true); len(pools) > 0 || more {
		t.Errorf("got %v, %v", pools, more)
	}
}

func TestLargestElementFitsAMessage(t *testing.T) {
	s := New(Options{Server: own})
	large := pe(1)
	mustRegister(t, s, string(make([]byte, maxEntry-4-40)), large, "")
	download(t, s, 0, false, nothing)
	for name, m := range map[string]wire.Message{
		"update":     &wire.HandleUpdate{Sender: own, PoolHandle: make([]byte, maxEntry-4-40), Element: *large},
		"resolution": &wire.HandleResolutionResponse{PoolHandle: make([]byte, maxEntry-4-40), HasPolicy: true, Policy: wire.Policy{Type: wire.LeastUsedDegradation}, Elements: []wire.PoolElement{*large}},
	} {
		if _, err := wire.Encode(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesFitAMessageWhateverIsAsked(t *testing.T) {
	s := New(Options{Server: own})
	for id := range wire.PEID(2000) {
		mustRegister(t, s, "a", pe(id), "")
	}
	for _, limit := range []int{0, -1, 1 << 20} {
		pools, _, more := s.Page(Cursor{}, limit, false)
		if n := pageSize(t, pools); n > MaxPage || n < MaxPage-100 || !more {
			t.Errorf("limit %d: page of %d bytes, more %v", limit, n, more)
		}
	}
}

// TestEncodedSize compares with the encoder for all kinds of elements.
func TestEncodedSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyElement(t)
		handle := rapid.StringN(1, 20, -1).Draw(t, "handle")
		pools := []wire.PoolEntry{{PoolHandle: wire.PoolHandle(handle), Elements: []wire.PoolElement{*e}}}
		if got, want := handleSize(len(handle))+EncodedSize(e), pageSize(t, pools); got != want {
			t.Fatalf("got %d, want %d for %+v", got, want, *e)
		}
	})
}

// anyElement draws an element that can be encoded.
func anyElement(t *rapid.T) *wire.PoolElement {
	e := pe(wire.PEID(rapid.Uint32().Draw(t, "id")))
	e.Policy.Type = rapid.SampledFrom([]wire.PolicyType{
		wire.RoundRobin, wire.WeightedRoundRobin, wire.Random, wire.WeightedRandom, wire.Priority, wire.LeastUsed,
		wire.LeastUsedDegradation, wire.PriorityLeastUsed, wire.RandomizedLeastUsed, 0x80000001,
	}).Draw(t, "policy")
	if e.Policy.Type == 0x80000001 {
		e.Policy.Data = rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "data")
	}
	e.User = anyTransport(t)
	if e.HasASAP = rapid.Bool().Draw(t, "has ASAP"); e.HasASAP {
		e.ASAP = wire.Transport{Kind: wire.TransportSCTP, Addrs: anyAddrs(t, 3)}
	}
	return e
}

func anyTransport(t *rapid.T) wire.Transport {
	kind := rapid.SampledFrom([]wire.TransportKind{
		wire.TransportSCTP, wire.TransportTCP, wire.TransportUDP, wire.TransportUDPLite, wire.TransportDCCP, wire.TransportOpaque,
	}).Draw(t, "kind")
	switch kind {
	case wire.TransportOpaque:
		return wire.Transport{Kind: kind, Opaque: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "opaque")}
	case wire.TransportSCTP:
		return wire.Transport{Kind: kind, Port: 1, Addrs: anyAddrs(t, 5)}
	}
	return wire.Transport{Kind: kind, Port: 1, Addrs: anyAddrs(t, 1)}
}

func anyAddrs(t *rapid.T, most int) []netip.Addr {
	return rapid.SliceOfN(rapid.SampledFrom([]netip.Addr{
		netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:10.0.0.1"),
	}), 1, most).Draw(t, "addresses")
}

// TestDownloadSurvivesChanges downloads the table while elements come, change and
// go, and looks for those that are there all the time.
func TestDownloadSurvivesChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Options{Server: own})
		ownOnly := rapid.Bool().Draw(t, "own only")
		stable := map[elementName]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "elements") {
			n := anyName(t)
			stable[n] = true
			change(t, s, n, true)
		}
		got := download(t, s, rapid.IntRange(1, 600).Draw(t, "page size"), ownOnly, func() {
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				n, add := anyName(t), rapid.Bool().Draw(t, "add")
				if change(t, s, n, add); !add {
					delete(stable, n)
				}
			}
		})
		seen := map[elementName]int{}
		for _, e := range got {
			seen[elementName{e.Handle, e.PE.ID}]++
		}
		for n := range stable {
			if want := !ownOnly || n.home() == own; seen[n] > 1 || want != (seen[n] == 1) {
				t.Fatalf("%v was there all the time and seen %d times", n, seen[n])
			}
		}
	})
}

// elementName names an element in a few pools; those of odd identifiers are the peer's.
type elementName struct {
	handle string
	id     wire.PEID
}

func (n elementName) home() wire.ServerID {
	if n.id%2 == 0 {
		return own
	}
	return peer
}

func anyName(t *rapid.T) elementName {
	return elementName{
		rapid.SampledFrom([]string{"a", "b", "pool", "a long pool handle"}).Draw(t, "handle"),
		wire.PEID(rapid.IntRange(0, 15).Draw(t, "id")),
	}
}

func change(t *rapid.T, s *Space, n elementName, add bool) {
	if !add {
		s.Deregister([]byte(n.handle), n.id)
		return
	}
	if _, err := s.Register(start, []byte(n.handle), pe(n.id, homed(n.home())), ""); err != nil {
		t.Fatal(err)
	}
}
