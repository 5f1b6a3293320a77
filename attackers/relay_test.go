// SPDX-License-Identifier: Apache-2.0

package attackers_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// echoing is a system that sends back what it gets.
func echoing(t *testing.T) script.Door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: l.Addr().(*net.TCPAddr).AddrPort()}
}

func order(t *testing.T, lines *[]string) *attackers.Order {
	t.Helper()
	return &attackers.Order{
		Site: attackers.Site{
			Doors: []script.Door{echoing(t)}, Local: func() netip.Addr { return netip.Addr{} },
			Patience: time.Second, Company: &attackers.Company{},
		},
		Pool: "EchoPool", Element: 0x12345678, Listen: netip.MustParseAddrPort("127.0.0.1:0"), For: 10 * time.Second,
		Say: func(line string) { *lines = append(*lines, line) },
	}
}

// through sends a message to where the attacker says that it stands, and returns what comes back.
func through(t *testing.T, said string, message []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", strings.Fields(said)[2])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return b
}

// TestOnPathAttackersWorkByThemselves: one that listens changes nothing and tells what it
// read, and one that tampers changes what passes.
func TestOnPathAttackersWorkByThemselves(t *testing.T) {
	message := append([]byte("EchoPool\x12\x34\x56\x78 and more of a message"), make([]byte, 32)...)
	for _, row := range []struct {
		name    string
		changes bool
		says    string
	}{
		{"eavesdropper", false, "pool handle, PE identifier"},
		{"tamperer", true, "sent, "},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var lines []string
			o := order(t, &lines)
			said := make(chan string, 1)
			o.Say = func(line string) {
				if strings.HasPrefix(line, "relaying from ") {
					said <- line
				}
				lines = append(lines, line)
			}
			attacker, err := attackers.Find(row.name)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- attacker.Run(ctx, o) }()
			at := <-said
			got := through(t, at, message)
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if bytes.Equal(got, message) == row.changes {
				t.Errorf("%q came back for %q", got, message)
			}
			if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, row.says) }) {
				t.Errorf("it does not say %q: %q", row.says, lines)
			}
		})
	}
}

// TestRelayToWhichNobodyComesIsNoAttack: it ends when its time is over.
func TestRelayToWhichNobodyComesIsNoAttack(t *testing.T) {
	var lines []string
	o := order(t, &lines)
	o.For = 50 * time.Millisecond
	attacker, err := attackers.Find("tamperer")
	if err != nil {
		t.Fatal(err)
	}
	if err := attacker.Run(t.Context(), o); !errors.Is(err, attackers.ErrNotMade) {
		t.Errorf("%v", err)
	}
}
