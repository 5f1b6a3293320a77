// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestParrotSaysWhatWasRecorded: in clear its answer is taken for one, under TLS it gets
// no further than the handshake.
func TestParrotSaysWhatWasRecorded(t *testing.T) {
	answer, err := wire.Encode(granted(nil)[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := stand(t, PoseInClear(), association.TCP)
	where, _ := site(t, brief)
	parrot := Parrot{Site: where, Pieces: [][]byte{answer}}
	r, err := parrot.Stand(ctx, script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(host(), 3864)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := visitor(ctx, t, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Request(ctx, registration(), Accepts); err != nil {
		t.Error(err)
	}
	select { // the answer may be there before the question is
	case <-r.Spoken():
	case <-ctx.Done():
		t.Fatal("the parrot has heard nothing")
	}
	if heard := r.Heard(); len(heard) != 1 || !isRegistration(heard[0]) {
		t.Errorf("heard %+v", heard)
	}
	if _, err := visitor(ctx, t, r, &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}); err == nil {
		t.Error("a handshake succeeds with a parrot")
	}
	if len(r.Heard()) != 1 {
		t.Errorf("heard %+v", r.Heard())
	}
}

// TestOfferedSuitesAreThoseOfTheClientHello, as RFC 5246 section 7.4.1.2 lays it out.
func TestOfferedSuitesAreThoseOfTheClientHello(t *testing.T) {
	hello := slices.Concat([]byte{22, 3, 1, 0, 49, 1, 0, 0, 45, 3, 3}, make([]byte, 32), []byte{0, 0, 4, 0x00, 0xa8, 0x00, 0x2c, 1, 0})
	suites, err := OfferedSuites(hello)
	if err != nil || !slices.Equal(suites, []uint16{0x00a8, 0x002c}) {
		t.Errorf("suites %04x, %v", suites, err)
	}
	if Unencrypted(suites[0]) || !Unencrypted(suites[1]) { // TLS_PSK_WITH_AES_128_GCM_SHA256, TLS_PSK_WITH_NULL_SHA
		t.Errorf("unencrypted: %t, %t", Unencrypted(suites[0]), Unencrypted(suites[1]))
	}
	for n := range len(hello) - 2 {
		if _, err := OfferedSuites(hello[:n]); !errors.Is(err, ErrNoClientHello) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	registration := []byte{1, 0, 0, 8, 0, 9, 0, 4, 0, 0, 0, 0}
	if _, err := OfferedSuites(registration); !errors.Is(err, ErrNoClientHello) {
		t.Errorf("error %v", err)
	}
}
