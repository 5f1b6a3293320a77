// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// Draft section 2.9: the notice comes before anything goes to the next element.
func TestApplicationIsNotifiedBeforeTheFirstOctet(t *testing.T) {
	silenced := pooluser.NoticeFunc(func(context.Context, pooluser.Failover, func(context.Context, pooluser.Failover) error) error {
		return nil
	})
	for name, tc := range map[string]struct {
		change func(*pooluser.Config)
		want   []string
	}{
		"defence":         {nil, []string{"notice", "dial 0x0000000b"}},
		"without defence": {defences(func(d *pooluser.Defences) { d.Notice = silenced }), []string{"dial 0x0000000b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, tc.change, peA, peB)
				_, a := b.open(peA, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
					b.note("notice")
					return nil
				}))
				before := len(b.lines())
				a.Abort("")
				b.far(peB)
				var got []string
				for _, l := range b.lines()[before:] {
					if l != "report 0x0000000a" {
						got = append(got, l)
					}
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("order %v, want %v", got, tc.want)
				}
			})
		})
	}
}

func TestNoticeIsInTheChannelBeforeTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, a := b.open(peA)
		noticed := false
		b.pe[peB].answer(func(context.Context, pooluser.Target) error {
			noticed = len(s.Failovers()) == 1
			return nil
		})
		a.Abort("")
		b.far(peB)
		if !noticed {
			t.Error("dialled before the notice could be read")
		}
	})
}

func TestApplicationCanRejectAnElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		_, a := b.open(peA, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
			if f.To.ID == peB {
				return errors.New("not that one")
			}
			return nil
		}))
		a.Abort("")
		b.far(peC)
		if b.pe[peB].count() != 0 {
			t.Error("the rejected element was dialled")
		}
	})
}

func TestUnreadNoticesLoseTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Limits.Notices = 1 }, peA, peB)
		s, a := b.open(peA)
		a.Abort("")
		second := b.far(peB)
		second.data("I am here")
		second.Abort("")
		b.far(peA)
		synctest.Wait()
		if f := <-s.Failovers(); f.From.ID != peB {
			t.Errorf("notice from %s, want the latest", f.From.ID)
		}
		if got := b.user.Stats().NoticesLost; got != 1 {
			t.Errorf("%d notices counted as lost, want 1", got)
		}
	})
}
