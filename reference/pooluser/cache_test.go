// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// RFC 5352 section 3.3, C1 to C4.
func TestCacheIsAskedFirstUntilItIsStale(t *testing.T) {
	const stale = 7 * time.Second
	for _, tc := range []struct {
		name     string
		stale    time.Duration
		wait     time.Duration
		purge    bool
		requests int
	}{
		{"fresh", stale, stale - 1, false, 1},
		{"stale", stale, stale, false, 2},
		{"default, fresh", 0, 30*time.Second - 1, false, 1},
		{"default, stale", 0, 30 * time.Second, false, 2},
		{"no cache", pooluser.NoCache, 0, false, 2},
		{"purged", stale, 0, true, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				d := listed(peA)
				n.registrar("good", addr1, d)
				u := n.start(func(c *pooluser.Config) { c.Timers.StaleCache = tc.stale }, addr1)
				for i := range 2 {
					r, err := u.Resolve(within(t, time.Second), pool)
					if err != nil {
						t.Fatal(err)
					}
					if want := i == 1 && tc.requests == 1; r.Cached != want {
						t.Errorf("resolution %d: cached %v, want %v", i, r.Cached, want)
					}
					if i == 0 {
						time.Sleep(tc.wait)
						if tc.purge {
							u.Purge(pool)
						}
					}
				}
				if d.requests() != tc.requests {
					t.Errorf("%d requests, want %d", d.requests(), tc.requests)
				}
			})
		})
	}
}

func TestNegativeResponseEmptiesTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		d := listed(peA)
		n.registrar("good", addr1, d)
		u := n.start(nil, addr1)
		if _, err := u.Resolve(within(t, time.Second), pool); err != nil {
			t.Fatal(err)
		}
		d.set(func(d *directory) { d.elements = nil })
		time.Sleep(pooluser.DefaultTimers().StaleCache)
		for range 2 {
			if r, err := u.Resolve(within(t, time.Second), pool); err == nil {
				t.Errorf("resolved to %v after the pool had gone", elementsOf(r))
			}
		}
		if d.requests() != 3 {
			t.Errorf("%d requests, want 3: nothing is kept of a pool that does not exist", d.requests())
		}
	})
}

// The registrar was asked although the cache was fresh, for want of elements.
func TestNegativeResponseEmptiesAFreshCacheToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA)
		s, a := b.open(peA)
		b.dir.set(func(d *directory) { d.elements = nil })
		a.Abort("")
		<-s.Done()
		if r, err := b.user.Resolve(within(t, time.Second), pool); !errors.Is(err, pooluser.ErrUnknownPool) {
			t.Errorf("got %v, %v: want ErrUnknownPool", elementsOf(r), err)
		}
	})
}

func TestCacheIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		h := n.add("any pool", addr1)
		asked := make(map[string]int)
		go func() {
			far := h.accept()
			for {
				b, err := far.Receive(t.Context())
				if err != nil {
					return
				}
				m := handleOf(b.Payload)
				asked[m]++
				far.send(positive(m, listed(peA)))
			}
		}()
		u := n.start(func(c *pooluser.Config) { c.Limits.CachedPools = 2 }, addr1)
		resolve := func(i int) {
			t.Helper()
			if _, err := u.Resolve(within(t, time.Second), fmt.Sprint("pool", i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		for _, i := range []int{1, 2, 3, 2, 3, 1} { // 3 displaces 1, the oldest
			resolve(i)
		}
		synctest.Wait()
		if asked["pool1"] != 2 || asked["pool2"] != 1 || asked["pool3"] != 1 {
			t.Errorf("asked %v, want pool1 twice", asked)
		}
	})
}

func TestResolutionBelongsToTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.registrar("good", addr1, listed(peA))
		u := n.start(nil, addr1)
		first, err := u.Resolve(within(t, time.Second), pool)
		if err != nil {
			t.Fatal(err)
		}
		at := first.Elements[0].User.Addrs[0]
		first.Elements[0].User.Addrs[0] = first.Elements[0].User.Addrs[0].Next()
		second, err := u.Resolve(within(t, time.Second), pool)
		if err != nil || !second.Cached || second.Elements[0].User.Addrs[0] != at {
			t.Errorf("%+v, %v: the cache was changed through the copy", second, err)
		}
	})
}
