// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// benchmarkSizes show how the cost grows.
var benchmarkSizes = []int{1e3, 1e4, 1e5, 1e6}

const benchmarkOwners = 1000

var benchmarkHandle = []byte("benchmark pool")

// crowd makes the registrations for the benchmarks: identifiers in no order, a
// few seconds between lives, one IPv4 address and one ASAP transport each.
type crowd struct {
	now    time.Time
	owners [benchmarkOwners]string
	pe     wire.PoolElement
	addrs  [2]netip.Addr
}

func newCrowd(policy wire.PolicyType) *crowd {
	c := &crowd{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range c.owners {
		c.owners[i] = fmt.Sprintf("pe-%d.example", i)
	}
	c.pe = wire.PoolElement{
		Home: 1, User: wire.Transport{Kind: wire.TransportSCTP, Port: 4711, Addrs: c.addrs[:1]},
		ASAP: wire.Transport{Kind: wire.TransportSCTP, Port: 3863, Addrs: c.addrs[1:]}, HasASAP: true,
		Policy: wire.Policy{Type: policy, Weight: 1},
	}
	return c
}

// register registers element i, or registers it again.
func (c *crowd) register(b testing.TB, s *Space, i int) {
	c.pe.ID = id(i)
	c.pe.Life = 30 + int32(i%7)
	v := uint32(i)
	c.addrs[0] = netip.AddrFrom4([4]byte{10, byte(v >> 16), byte(v >> 8), byte(v)})
	c.addrs[1] = c.addrs[0]
	c.now = c.now.Add(time.Microsecond)
	if _, err := s.Register(c.now, benchmarkHandle, &c.pe, c.owners[i%benchmarkOwners]); err != nil {
		b.Fatal(err)
	}
}

// id spreads the identifiers; the factor is odd, so that they are different.
func id(i int) wire.PEID { return wire.PEID(uint32(i) * 2654435761) }

func (c *crowd) filled(b testing.TB, n int) *Space {
	s := New(Options{})
	for i := range n {
		c.register(b, s, i)
	}
	return s
}

func eachSize(b *testing.B, f func(b *testing.B, n int)) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			f(b, n)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
		})
	}
}

// BenchmarkRegister fills handlespaces from 0 to n elements.
func BenchmarkRegister(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		c := newCrowd(wire.RoundRobin)
		var s *Space
		for i := range b.N {
			if i%n == 0 {
				s = New(Options{})
			}
			c.register(b, s, i%n)
		}
		runtime.KeepAlive(s)
	})
}

func BenchmarkReregister(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		c := newCrowd(wire.RoundRobin)
		s := c.filled(b, n)
		b.ResetTimer()
		for i := range b.N {
			c.register(b, s, int(uint32(i)*2246822519%uint32(n)))
		}
	})
}

// BenchmarkDeregister removes n elements, in an order in which nothing lies.
func BenchmarkDeregister(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		c := newCrowd(wire.RoundRobin)
		s := New(Options{})
		for i := range b.N {
			if i%n == 0 {
				b.StopTimer()
				s = c.filled(b, n)
				b.StartTimer()
			}
			if _, ok := s.Deregister(benchmarkHandle, id(i*7919%n)); !ok {
				b.Fatal("not there")
			}
		}
	})
}

func BenchmarkResolve3(b *testing.B) {
	for _, policy := range []wire.PolicyType{
		wire.RoundRobin, wire.WeightedRoundRobin, wire.Random, wire.WeightedRandom, wire.LeastUsed,
	} {
		b.Run(policy.String(), func(b *testing.B) {
			eachSize(b, func(b *testing.B, n int) {
				s := newCrowd(policy).filled(b, n)
				dst := make([]wire.PoolElement, 0, 3)
				b.ResetTimer()
				for range b.N {
					dst, _, _ = s.Resolve(benchmarkHandle, 3, dst[:0])
				}
			})
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		s := newCrowd(wire.RoundRobin).filled(b, n)
		b.ResetTimer()
		for i := range b.N {
			if _, ok := s.Lookup(benchmarkHandle, id(int(uint32(i)*2246822519%uint32(n)))); !ok {
				b.Fatal("not there")
			}
		}
	})
}

// BenchmarkMemory reports the memory of an element in a pool of n, and of a pool
// with one element of n pools.
func BenchmarkMemory(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { benchmarkMemory(b, n) })
	}
}

func benchmarkMemory(b *testing.B, n int) {
	for range b.N {
		c := newCrowd(wire.RoundRobin)
		before := heap()
		s := c.filled(b, n)
		b.ReportMetric(float64(heap()-before)/float64(n), "B/element")
		runtime.KeepAlive(s)

		before = heap()
		s = New(Options{})
		handle := make([]byte, 0, 32)
		for i := range n {
			handle = fmt.Appendf(handle[:0], "pool %d", i)
			if _, err := s.Register(c.now, handle, &c.pe, c.owners[i%benchmarkOwners]); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/float64(n), "B/pool")
		runtime.KeepAlive(s)
	}
}

// heap returns the bytes of live objects.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
