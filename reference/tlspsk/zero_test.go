// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// mask hides the key that is looked for from the search itself.
const mask = 0x5a

// hiddenKey is a key nobody else uses, masked.
var hiddenKey = []byte("\xc1\x7e\x90\x02\x35\xee\x4b\x17\x88\x6f\xd3\x21\xa9\x5c\x04\xb6\x73\x1d\xe8\x42")

func unmasked() []byte {
	k := bytes.Clone(hiddenKey)
	for i := range k {
		k[i] ^= mask
	}
	return k
}

// The key must not stay in memory longer than TLS needs it: TLS 1.2 is done with it
// after the handshake, TLS 1.3 keeps one copy in the session.
func TestKeyIsGoneFromMemory(t *testing.T) {
	for v, kept := range map[Version]int{TLS12: 0, TLS13: 1} {
		t.Run(v.String(), func(t *testing.T) {
			flag := map[Version]string{TLS12: "-tls1_2", TLS13: "-tls1_3"}[v]
			hex := make([]string, len(hiddenKey))
			for i, b := range hiddenKey {
				hex[i] = fmt.Sprintf("%02x", b^mask)
			}
			sc := pskServer(func(c *Config) { c.Lookup = func(string) []byte { return unmasked() } })
			p, server := opensslClient(t, sc, "-psk", strings.Join(hex, ""), flag)
			if err := server.HandshakeContext(context.Background()); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(server, "done\n"); err != nil {
				t.Fatal(err)
			}
			p.await(t, "done")
			if n := copiesInMemory(t); n != kept {
				t.Errorf("%d copies after the handshake, want %d", n, kept)
			}
			server.Close()
			if n := copiesInMemory(t); n != 0 {
				t.Errorf("%d copies after Close", n)
			}
		})
	}
}

// copiesInMemory counts the unmasked key in the writable memory of this process.
func copiesInMemory(t *testing.T) int {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	const chunk = 1 << 20
	buf := make([]byte, chunk)
	copies := 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var low, high uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &low, &high, &mode); err != nil {
			t.Fatal(err)
		}
		from, to := int64(low), int64(high)
		const shadow = 1 << 30 // only the sanitizers map that much
		if !strings.HasPrefix(mode, "rw") || to-from > shadow {
			continue
		}
		for off := from; off < to; off += chunk - int64(len(hiddenKey)) + 1 {
			n, _ := mem.ReadAt(buf[:min(chunk, to-off)], off) // guard pages cannot be read
			copies += countMasked(buf[:n])
			clear(buf) // a copy in here would be found again
		}
	}
	return copies
}

// countMasked counts the key without ever putting it together.
func countMasked(b []byte) (n int) {
	for {
		i := bytes.IndexByte(b, hiddenKey[0]^mask)
		if i < 0 || i+len(hiddenKey) > len(b) {
			return n
		}
		j := 1
		for j < len(hiddenKey) && b[i+j]^mask == hiddenKey[j] {
			j++
		}
		if j == len(hiddenKey) {
			n++
		}
		b = b[i+1:]
	}
}
