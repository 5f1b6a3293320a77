// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"io"
	"testing"
)

// benchPairs runs f for the links that the reference uses.
func benchPairs(b *testing.B, f func(b *testing.B, cc, sc *Config)) {
	a := newAuthority(b)
	sc := both(b, a)
	for _, l := range []struct {
		name string
		cc   *Config
	}{
		{"psk 1.2 AES128-CBC-SHA", pskClient(only(TLS12), suites("PSK-AES128-CBC-SHA"))},
		{"psk 1.2 ECDHE", pskClient(only(TLS12))},
		{"psk 1.3", pskClient(only(TLS13))},
		{"certificate 1.3", certClient(a)},
	} {
		b.Run(l.name, func(b *testing.B) { f(b, l.cc, sc) })
	}
}

// BenchmarkHandshake counts whole connections over loopback TCP, both ends.
func BenchmarkHandshake(b *testing.B) {
	benchPairs(b, func(b *testing.B, cc, sc *Config) {
		for b.Loop() {
			client, server := connect(b, cc, sc)
			client.Close()
			server.Close()
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "handshakes/s")
	})
}

// BenchmarkMessages counts Writes of 100 octets one way over loopback TCP.
func BenchmarkMessages(b *testing.B) {
	benchPairs(b, func(b *testing.B, cc, sc *Config) {
		client, server := connect(b, cc, sc)
		ended := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, server)
			ended <- err
		}()
		message := make([]byte, 100)
		b.SetBytes(int64(len(message)))
		for b.Loop() {
			if _, err := client.Write(message); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		client.Close()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkRoundTrip counts 100 octets there and back.
func BenchmarkRoundTrip(b *testing.B) {
	benchPairs(b, func(b *testing.B, cc, sc *Config) {
		client, server := connect(b, cc, sc)
		go io.Copy(server, server)
		message := make([]byte, 100)
		for b.Loop() {
			if _, err := client.Write(message); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(client, message); err != nil {
				b.Fatal(err)
			}
		}
		client.Close()
	})
}
