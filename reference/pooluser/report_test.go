// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// RFC 5352 section 3.5: "no more than once each time it encounters such an event".
func TestOneEventIsOneReport(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*pooluser.Config)
		want   int
	}{
		"defence":       {nil, 1},
		"without":       {defences(func(d *pooluser.Defences) { d.Once = always(1) }), 4},
		"reports twice": {defences(func(d *pooluser.Defences) { d.Once = always(2) }), 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, tc.change, peA, peB)
				one, a1 := b.open(peA)
				_, a2 := b.open(peA)
				send(t, one, "x")
				b.pe[peA].refuse(errors.New("down"))
				// One crash, seen by two sessions, by the application, and by a third session.
				a1.Abort("")
				a2.Abort("")
				synctest.Wait()
				if err := b.user.Failure(pool, peA); err != nil {
					t.Error(err)
				}
				b.user.Purge(pool)
				if _, err := b.user.Open(within(t, time.Second), pool); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if got := len(b.registrar.reported()); got != tc.want {
					t.Errorf("%d reports, want %d", got, tc.want)
				}
			})
		})
	}
}

// always is a ReportCount that sees a new event every time.
type always int

func (n always) Messages(*pooluser.Event) int { return int(n) }

func (always) Reached(string, wire.PEID) {}

func TestElementThatWasReachedAgainIsANewEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		for range 2 {
			b.user.Purge(pool)
			_, a := b.open(peA)
			a.Abort("")
			b.far(peB).data("x")
			synctest.Wait()
		}
		if got := b.registrar.reported(); !slices.Equal(got, []wire.PEID{peA, peA}) {
			t.Errorf("reported %v, want A twice", got)
		}
	})
}

func TestElementThatStaysUnreachableIsNewsAfterTheHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA)
		b.pe[peA].refuse(errors.New("down"))
		for _, wait := range []time.Duration{0, pooluser.DefaultReportHold - 1, 1} {
			time.Sleep(wait)
			b.user.Purge(pool)
			if _, err := b.user.Open(within(t, time.Second), pool); !errors.Is(err, pooluser.ErrNoElement) {
				t.Error(err)
			}
		}
		synctest.Wait()
		if got := b.registrar.reported(); len(got) != 2 {
			t.Errorf("reported %v, want twice", got)
		}
	})
}

// Draft section 2.13: "The number of endpoint unreachable messages ... SHOULD be limited."
func TestReportsAreLimited(t *testing.T) {
	unlimited := pooluser.ReportFilterFunc(func(*pooluser.Event) bool { return true })
	for name, tc := range map[string]struct {
		change         func(*pooluser.Defences)
		atOnce, second int
	}{
		"defence": {func(d *pooluser.Defences) { d.Once = always(1) }, 10, 1},
		"without": {func(d *pooluser.Defences) { d.Once, d.Rate = always(1), unlimited }, 50, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, defences(tc.change), peA)
				s, _ := b.open(peA)
				send(t, s, "x")
				for _, want := range []int{tc.atOnce, tc.second} {
					for range 50 {
						if err := b.user.Failure(pool, peA); err != nil {
							t.Fatal(err)
						}
					}
					synctest.Wait()
					if got := len(b.registrar.reported()); got != want {
						t.Errorf("%d reports, want %d", got, want)
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

func TestRateRefillsUpToItsBurst(t *testing.T) {
	r := pooluser.NewRate(pooluser.ReportRate{PerSecond: 2, Burst: 3})
	now := time.Now()
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{0, 3}, {time.Second, 2}, {499 * time.Millisecond, 0}, {time.Millisecond, 1}, {time.Hour, 3}} {
		now = now.Add(tc.after)
		got := 0
		for range 10 {
			if r.Allow(&pooluser.Event{Now: now}) {
				got++
			}
		}
		if got != tc.want {
			t.Errorf("after %v: %d, want %d", tc.after, got, tc.want)
		}
	}
}

// RFC 5352 section 6.9.2: not unless the user has asked to send data to the element.
func TestApplicationReportsOnlyElementsItHasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, _ := b.open(peA)
		if err := b.user.Failure(pool, peA); !errors.Is(err, pooluser.ErrNotRequested) {
			t.Errorf("before any data: got %v, want ErrNotRequested", err)
		}
		send(t, s, "x")
		for id, want := range map[wire.PEID]error{peA: nil, peB: pooluser.ErrNotRequested, 0x666: pooluser.ErrNotRequested} {
			if err := b.user.Failure(pool, id); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", id, err, want)
			}
		}
		if err := b.user.Failure("OtherPool", peA); !errors.Is(err, pooluser.ErrNotRequested) {
			t.Errorf("other pool: got %v, want ErrNotRequested", err)
		}
		synctest.Wait()
		if got := b.registrar.reported(); !slices.Equal(got, []wire.PEID{peA}) {
			t.Errorf("reported %v, want A", got)
		}
	})
}

func TestWithoutRequestedTheApplicationReportsAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		anybody := pooluser.ReportFilterFunc(func(*pooluser.Event) bool { return true })
		b := newBed(t, defences(func(d *pooluser.Defences) { d.Requested = anybody }), peA, peB)
		b.open(peA)
		if err := b.user.Failure(pool, peB); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := b.registrar.reported(); len(got) != 1 {
			t.Errorf("reported %v", got)
		}
	})
}

func TestUsedElementsAreForgottenAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Limits.Elements = 1 }, peA, peB)
		s, a := b.open(peA)
		send(t, s, "x")
		a.Close(t.Context())
		b.far(peB)
		send(t, s, "y")
		if err := b.user.Failure(pool, peA); !errors.Is(err, pooluser.ErrNotRequested) {
			t.Errorf("A: got %v, want ErrNotRequested", err)
		}
		if err := b.user.Failure(pool, peB); err != nil {
			t.Errorf("B: %v", err)
		}
	})
}

// "to any ENRP server": a report waits for one, but not longer than it is news.
func TestReportWaitsForARegistrar(t *testing.T) {
	for _, tc := range []struct {
		wait time.Duration
		want int
	}{{pooluser.DefaultReportHold, 1}, {pooluser.DefaultReportHold + 1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			d := listed(peA)
			first, second := n.add("first", addr1), n.registrar("second", addr2, d)
			second.refuse(errors.New("down"))
			n.add("A", elementAddrs[peA])
			u := n.start(nil, addr1, addr2)
			go func() {
				far := first.accept()
				m := far.next().(*wire.HandleResolution)
				far.send(d.response(m))
				far.Abort("")
				first.refuse(errors.New("down"))
			}()
			s, err := u.Open(within(t, time.Minute), pool)
			if err != nil {
				t.Fatal(err)
			}
			send(t, s, "x")
			synctest.Wait()
			if err := u.Failure(pool, peA); err != nil {
				t.Error(err)
			}
			time.Sleep(tc.wait)
			second.refuse(nil)
			if _, err := u.Resolve(within(t, time.Minute), pool); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := second.reported(); len(got) != tc.want {
				t.Errorf("reported %v after %v, want %d", got, tc.wait, tc.want)
			}
		})
	}
}
