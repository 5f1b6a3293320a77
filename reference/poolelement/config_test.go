// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestWrongConfigurationsAreRefused(t *testing.T) {
	door := poolelement.Door{Transport: association.TCP, Secured: true, Addr: netip.MustParseAddrPort("127.0.0.1:0")}
	for _, row := range []struct {
		name   string
		change func(*poolelement.Config)
		want   error
	}{
		{"no way to find a registrar", func(c *poolelement.Config) { c.Registrars = nil }, poolelement.ErrNoRegistrars},
		{"no key", func(c *poolelement.Config) { c.Key = nil }, poolelement.ErrNoKey},
		{"no identity", func(c *poolelement.Config) { c.Identity = "" }, poolelement.ErrNoKey},
		{"a registrar's key that is our own", func(c *poolelement.Config) { c.RegistrarKeys[0].Key = c.Key }, poolelement.ErrSharedKey},
		{"a registrar's identity that is our own", func(c *poolelement.Config) { c.RegistrarKeys[0].Name = c.Identity }, poolelement.ErrRegistrarKeys},
		{"two registrars with one key", func(c *poolelement.Config) { c.RegistrarKeys[1].Key = c.RegistrarKeys[0].Key }, poolelement.ErrSharedKey},
		{"a registrar's key without a name", func(c *poolelement.Config) { c.RegistrarKeys[0].Name = "" }, poolelement.ErrRegistrarKeys},
		{"a TLS door of an insecure element", func(c *poolelement.Config) {
			c.Mode, c.Doors = poolelement.Insecure, []poolelement.Door{door}
		}, poolelement.ErrMixedDoors},
		{"a negative timer", func(c *poolelement.Config) { c.Timers.Registration = -1 }, poolelement.ErrTimer},
		{"a negative limit", func(c *poolelement.Config) { c.Limits.SendQueue = -1 }, poolelement.ErrTimer},
		{"a pool without a handle", func(c *poolelement.Config) { c.Pools[0].Handle = nil }, poolelement.ErrPool},
		{"a pool twice", func(c *poolelement.Config) { c.Pools = append(c.Pools, c.Pools[0]) }, poolelement.ErrPool},
		{"a life that is no time", func(c *poolelement.Config) { c.Pools[0].Life = -2 }, wire.ErrValue},
		{"a handle above the limit", func(c *poolelement.Config) { c.Wire.MaxPoolHandle = 7 }, wire.ErrTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(1)
			cfg.Dial = newBed(t).dial
			row.change(&cfg)
			e, err := poolelement.Start(t.Context(), cfg)
			if !errors.Is(err, row.want) {
				t.Errorf("error %v, want %v", err, row.want)
			}
			if e != nil {
				t.Error("an element was started all the same")
				_ = e.Close(t.Context())
			}
		})
	}
}
