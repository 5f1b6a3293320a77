// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// RFC 5352 section 3.8: the latest cookie, unmodified, first on the control channel.
func TestLatestCookieIsEchoedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		s, a := b.open(peA)
		a.control(&wire.Cookie{Value: []byte("old")})
		a.control(&wire.Cookie{Value: []byte("new")})
		a.data("x")
		receive(t, s)
		a.Abort("")
		send(t, s, "one")
		next := b.far(peB)
		next.want("echo new")
		next.want("data one")
		// The next element has sent none of its own: the old one still is the latest.
		next.Abort("")
		b.far(peC).want("echo new")
	})
}

func TestNoCookieIsEchoedWithoutOneOrWithoutControlChannel(t *testing.T) {
	for name, tc := range map[string]struct {
		use    wire.TransportUse
		cookie bool
		echo   bool
	}{
		"no cookie":          {wire.DataAndControl, false, false},
		"no control channel": {wire.DataOnly, true, false},
		"both":               {wire.DataAndControl, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB)
				b.dir.set(func(d *directory) {
					for i := range d.elements {
						d.elements[i].User.Kind, d.elements[i].User.Use = wire.TransportSCTP, tc.use
					}
				})
				s, a := b.open(peA)
				if tc.cookie {
					a.control(&wire.Cookie{Value: []byte("c")})
				}
				a.data("x")
				receive(t, s)
				a.Abort("")
				send(t, s, "one")
				next := b.far(peB)
				if tc.echo {
					next.want("echo c")
				}
				next.want("data one")
			})
		})
	}
}

// Draft section 2.16: one association carries both, so the cookie is as secure as the data.
func TestCookieTakesTheWayOfTheData(t *testing.T) {
	aside := pooluser.CookiePathFunc(func(ctx context.Context, _ *channel.Channel, open func(context.Context, bool) (*channel.Channel, error)) (*channel.Channel, error) {
		return open(ctx, false)
	})
	for name, change := range map[string]func(*pooluser.Config){
		"defence":         nil,
		"without defence": defences(func(d *pooluser.Defences) { d.Cookie = aside }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, change, peA, peB)
				s, a := b.open(peA)
				a.control(&wire.Cookie{Value: []byte("c")})
				a.data("x")
				receive(t, s)
				a.Abort("")
				send(t, s, "one")
				next := b.far(peB)
				if change == nil {
					next.want("echo c")
					next.want("data one")
					if b.pe[peB].count() != 1 {
						t.Errorf("%d associations with the element, want 1", b.pe[peB].count())
					}
					return
				}
				next.want("data one")
				other := b.far(peB)
				other.want("echo c")
				other.want("EOF")
				if other.Info().Secured {
					t.Error("the second channel is secured")
				}
			})
		})
	}
}
