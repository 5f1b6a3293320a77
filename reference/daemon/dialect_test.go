// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// load reads a file with the given text after the lines that all have.
func load[R any](t *testing.T, read func(string) (R, error), text string) R {
	t.Helper()
	path := filepath.Join(t.TempDir(), "daemon.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nsecurity: clear\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// One line selects everything that rsplib needs, and without it nothing departs from the RFCs.
func TestDialectOfARegistrar(t *testing.T) {
	const file = `
doors:
  - {protocol: enrp, transport: sctp, address: "192.0.2.1:9901"}
  - {protocol: asap, transport: tcp, address: "192.0.2.1:3863"}
  - {protocol: asap, transport: sctp-kernel, address: "192.0.2.1:4863"}
announcements: {local: "192.0.2.1:0"}
`
	for _, c := range []struct {
		text        string
		wire        wire.Options
		arbitration registrar.Arbitration
		fromDoor    bool
		group       string
	}{
		{"", wire.Strict(), registrar.LargerIDWins, false, "224.0.1.185:3863"},
		{"dialect: rfc\narbitration: smaller-id-wins", wire.Strict(), registrar.SmallerIDWins, false, "224.0.1.185:3863"},
		{"dialect: rsplib", wire.Rsplib(), registrar.SmallerIDWins, true, "239.0.0.50:3863"},
		{"dialect: rsplib\narbitration: larger-id-wins", wire.Rsplib(), registrar.LargerIDWins, true, "239.0.0.50:3863"},
	} {
		r := load(t, LoadRegistrar, c.text+file).config
		if !reflect.DeepEqual(r.Wire, c.wire) || r.Arbitration != c.arbitration || r.DialFromDoor != c.fromDoor {
			t.Errorf("%q: %+v, arbitration %d, from door %v", c.text, r.Wire, r.Arbitration, r.DialFromDoor)
		}
		if a := r.Announcements; a.Group != netip.MustParseAddrPort(c.group) {
			t.Errorf("%q: announced to %s", c.text, a.Group)
		}
	}
}

func TestDialectOfElementAndUser(t *testing.T) {
	const element = `
announcements: {}
pools: [{handle: Echo, service: {transport: sctp-kernel, address: "192.0.2.1:7"}}]
`
	const user = `
announcements: {sctp: sctp-kernel}
pool: Echo
elements: {security: clear, sctp: sctp-kernel}
`
	for dialect, want := range map[string]struct {
		wire  wire.Options
		group string
	}{"rfc": {wire.Strict(), "224.0.1.185"}, "rsplib": {wire.Rsplib(), "239.0.0.50"}} {
		e := load(t, LoadElement, "dialect: "+dialect+element).config
		u := load(t, LoadUser, "dialect: "+dialect+user).config
		groups := []netip.Addr{netip.MustParseAddr(want.group)}
		if !reflect.DeepEqual(e.Wire, want.wire) || !reflect.DeepEqual(e.Announcements.Groups, groups) {
			t.Errorf("%s: element %+v, %v", dialect, e.Wire, e.Announcements.Groups)
		}
		if !reflect.DeepEqual(u.Wire, want.wire) || !reflect.DeepEqual(u.Announce.Groups, groups) {
			t.Errorf("%s: user %+v, %v", dialect, u.Wire, u.Announce.Groups)
		}
	}
}
