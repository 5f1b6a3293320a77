// SPDX-License-Identifier: Apache-2.0

package association

import (
	"testing"
)

// benchSize is about the length of a registration.
const benchSize = 100

// eachPath runs a benchmark on the paths that matter most.
func eachPath(b *testing.B, f func(b *testing.B, client, server Association)) {
	for _, c := range []struct {
		tr       Transport
		security string
	}{{TCP, "clear"}, {TCP, "psk"}, {SCTPUDP, "clear"}, {SCTPUDP, "psk"}} {
		b.Run(string(c.tr)+"/"+c.security, func(b *testing.B) {
			client, server := newBed(b, c.tr, c.security).dial(b)
			b.ReportAllocs()
			f(b, client, server)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

func BenchmarkRequestResponse(b *testing.B) {
	eachPath(b, func(b *testing.B, client, server Association) {
		ctx := b.Context()
		go func() {
			for {
				m, err := server.Receive(ctx)
				if err != nil || server.Send(ctx, m) != nil {
					return
				}
			}
		}()
		m := Message{Payload: message(benchSize, 1)}
		for b.Loop() {
			if err := client.Send(ctx, m); err != nil {
				b.Fatal(err)
			}
			if _, err := client.Receive(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOneWay(b *testing.B) {
	eachPath(b, func(b *testing.B, client, server Association) {
		ctx := b.Context()
		m := Message{Payload: message(benchSize, 1)}
		b.ResetTimer()
		go func() {
			for range b.N {
				if client.Send(ctx, m) != nil {
					return
				}
			}
		}()
		for range b.N {
			if _, err := server.Receive(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
