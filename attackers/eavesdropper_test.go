// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

var (
	hereAddr  = netip.MustParseAddrPort("127.0.0.2:5000")
	thereAddr = netip.MustParseAddrPort("127.0.0.1:3863")
)

func octets(outbound bool, b []byte) association.Record {
	return association.Record{Transport: association.TCP, Kind: association.RecordData, Local: hereAddr, Remote: thereAddr, Outbound: outbound, Data: b}
}

func TestSecretsAreAsTheyStandOnTheWire(t *testing.T) {
	pe := registration().Element
	pe.User.Addrs = append(pe.User.Addrs, netip.MustParseAddr("2001:db8::66"))
	b, err := wire.Encode(&wire.Registration{PoolHandle: []byte("EchoPool"), Element: pe})
	if err != nil {
		t.Fatal(err)
	}
	secrets := Secrets("EchoPool", &pe)
	if len(secrets) != 4 {
		t.Fatalf("%d secrets", len(secrets))
	}
	for _, s := range secrets {
		e := &Eavesdropper{}
		e.Record(octets(true, b))
		if got := e.Reads([]Secret{s}); !slices.Equal(got, []string{s.What}) {
			t.Errorf("%s %x is not found in the registration", s.What, s.Bytes)
		}
	}
}

// TestSecretThatIsCutOverTwoSegmentsIsRead: and one that two flows have half of is not.
func TestSecretThatIsCutOverTwoSegmentsIsRead(t *testing.T) {
	secrets := []Secret{{"pool handle", []byte("EchoPool")}, {"PE identifier", []byte{1, 2, 3, 4}}}
	e := &Eavesdropper{}
	e.Record(octets(true, []byte("...Echo")))
	e.Record(octets(false, []byte("Pool...")))
	e.Record(association.Record{Transport: association.TCP, Kind: association.RecordOpen, Local: hereAddr, Remote: thereAddr, Outbound: true, Data: []byte("Pool")})
	if got := e.Reads(secrets); len(got) != 0 {
		t.Errorf("reads %q, of which no direction has all", got)
	}
	e.Record(octets(true, []byte("Pool...")))
	if got := e.Reads(secrets); !slices.Equal(got, []string{"pool handle"}) {
		t.Errorf("reads %q", got)
	}
	if n, all := e.Overheard(); n != 21 || !all {
		t.Errorf("overheard %d octets, all: %t", n, all)
	}
}

// TestEavesdropperThatCouldNotKeepAllSaysSo: "reads nothing" would else mean nothing.
func TestEavesdropperThatCouldNotKeepAllSaysSo(t *testing.T) {
	e := &Eavesdropper{}
	half := make([]byte, maxOverheard/2)
	e.Record(octets(true, half))
	e.Record(octets(false, half))
	if n, all := e.Overheard(); n != maxOverheard || !all {
		t.Errorf("overheard %d octets, all: %t", n, all)
	}
	e.Record(octets(true, []byte("EchoPool")))
	if n, all := e.Overheard(); n != maxOverheard || all {
		t.Errorf("overheard %d octets, all: %t", n, all)
	}
}

// TestRegistrationIsReadInClearAndNotUnderTLS, on real associations.
func TestRegistrationIsReadInClearAndNotUnderTLS(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		for _, secured := range []bool{false, true} {
			ear := &Eavesdropper{}
			r := open(t, tr, secured, &registrar{answer: granted}, func(c *association.ListenConfig) { c.Tap = ear })
			o := script.Options{Name: "pe alice", Peer: "registrar", Door: r.door, Local: host(), Wire: wire.Strict(), Recorder: &evidence{}}
			if secured {
				o.TLS = &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}
			}
			n, err := script.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			m := registration()
			if _, err := n.Request(t.Context(), m, func(wire.Message) bool { return true }); err != nil {
				t.Fatal(err)
			}
			n.Abort()
			got := ear.Reads(Secrets("EchoPool", &m.Element))
			if want := []string{"pool handle", "PE identifier", "transport address"}; !secured && !slices.Equal(got, want) {
				t.Errorf("in clear it reads %q, want %q", got, want)
			}
			if n, _ := ear.Overheard(); secured && (len(got) != 0 || n == 0) {
				t.Errorf("under TLS it reads %q in %d octets", got, n)
			}
		}
	})
}
