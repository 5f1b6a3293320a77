// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// moody is a registrar that serves until it gets a message of a type that honest nodes do not send
// it, and from then on behaves as its turn says. It is a program: `command.test moody TURN ADDRESS`.
type moody struct {
	turn   string
	turned chan struct{} // closed when it has lost its temper
	once   sync.Once

	mu       sync.Mutex
	elements map[wire.PEID]wire.PoolElement
	fat      [][]byte
}

// moodily serves at the address until the process is killed, or ends itself.
func moodily(turn, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	m := &moody{turn: turn, turned: make(chan struct{}), elements: map[wire.PEID]wire.PoolElement{}}
	if turn == "datagram" {
		d, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		go m.hear(d)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go m.serve(c)
	}
}

// hear dies of a registration in a datagram.
func (m *moody) hear(d net.PacketConn) {
	b := make([]byte, 1<<16)
	for {
		n, _, err := d.ReadFrom(b)
		if err != nil {
			return
		}
		if n > 0 && b[0] == wire.TypeRegistration {
			fmt.Fprintln(os.Stderr, "moody: assertion failed: registrations have an association")
			os.Exit(1)
		}
	}
}

func (m *moody) serve(c net.Conn) {
	defer c.Close()
	header := make([]byte, wire.HeaderLength)
	for {
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		size := (int(header[2])<<8 | int(header[3]) + 3) &^ 3
		b := append(bytes.Clone(header), make([]byte, max(0, size-len(header)))...)
		if _, err := io.ReadFull(c, b[len(header):]); err != nil {
			return
		}
		if !m.reply(c, b) {
			return
		}
	}
}

// reply answers a message; false ends the association.
func (m *moody) reply(c net.Conn, b []byte) bool {
	if b[0] == wire.TypeCookie {
		m.once.Do(func() { close(m.turned) })
	}
	answer, times := m.answer(b), 1
	select {
	case <-m.turned:
		switch m.turn {
		case "hang":
			return true
		case "close":
			return false
		case "die":
			fmt.Fprintln(os.Stderr, "moody: assertion failed: no cookies") // the vendor's own words
			os.Exit(1)
		case "garbage":
			answer = []byte{0xee, 0, 0, 8, 1, 2, 3, 4}
		case "flood":
			times = 2000
		case "swell":
			m.swell()
		}
	default:
	}
	for range times {
		if _, err := c.Write(answer); err != nil {
			return false
		}
	}
	return true
}

// swell makes the process larger by a MiB, for good.
func (m *moody) swell() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fat = append(m.fat, bytes.Repeat([]byte{1}, 1<<20))
	// What the machine has is not the test's: with the race detector the process takes
	// thirteen times what it keeps.
	if len(m.fat) > 128 {
		m.fat = m.fat[1:]
	}
}

// answer is that of a registrar without any security.
func (m *moody) answer(b []byte) []byte {
	message, err := wire.Decode(wire.ASAP, b, nil)
	if err != nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var answer wire.Message
	switch q := message.(type) {
	case *wire.Registration:
		if len(m.elements) < 100 && string(q.PoolHandle) == "EchoPool" {
			m.elements[q.Element.ID] = wire.Clone(q).(*wire.Registration).Element
		}
		answer = &wire.RegistrationResponse{PoolHandle: q.PoolHandle, PEID: q.Element.ID}
	case *wire.HandleResolution:
		r := &wire.HandleResolutionResponse{PoolHandle: q.PoolHandle}
		if string(q.PoolHandle) == "EchoPool" {
			for _, e := range m.elements {
				e.Policy = wire.Policy{Type: wire.RoundRobin}
				r.Elements = append(r.Elements, e)
			}
		}
		if len(r.Elements) == 0 {
			r.Causes = []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
		}
		answer = r
	default:
		return nil
	}
	out, err := wire.Encode(answer)
	if err != nil {
		return nil
	}
	return out
}

// moodySUT writes the configuration of a moody registrar, which the harness can start and stop.
func moodySUT(t *testing.T, turn string) (v vendor) {
	t.Helper()
	v = vendor{t.TempDir(), unusedHost(t)}
	v.write(t, "sut.yaml", fmt.Sprintf(`version: 1
name: moody
security: clear
address: %s
doors: [{protocol: asap, transport: tcp, port: 3863}]
timers: {response: 1s, removal: 60s}
commands: {start: [%q, moody, %s, "%s:3863"], ready: {door: true, timeout: 20s}}
`, v.host, os.Args[0], turn, v.host))
	return v
}

// Whatever a target does once it has lost its temper, the command tells what it was, and that is
// on disk: as JSONL, as a script, in every report.
func TestFuzzTargetsThatLoseTheirTemper(t *testing.T) {
	t.Parallel()
	for turn, kinds := range map[string][]string{
		"hang": {"hang"}, "close": {"refused"}, "garbage": {"garbage", "refused", "hang"}, "flood": {"flood"}, "die": {"crash"},
	} {
		t.Run(turn, func(t *testing.T) {
			t.Parallel()
			v := moodySUT(t, turn)
			out := v.path("fuzz")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			stdout, stderr := &output{first: stop, with: "found "}, &output{} // as with Ctrl-C
			args := []string{"fuzz", "-q", "--sut", v.path("sut.yaml"), "--seed", "1", "--cases", "4096", "--effort", "2s", "-o", out}
			code := command.Main(ctx, args, stdout, stderr)
			if code != reports.ExitViolations {
				t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
			}
			kept, err := finding.Read(filepath.Join(out, finding.JSONLFile))
			if err != nil || len(kept) == 0 {
				t.Fatalf("%d findings on disk, %v\n%s", len(kept), err, stdout.String())
			}
			right := false
			for _, kind := range kinds {
				right = right || kept[0].Kind == kind
			}
			if !right || !strings.Contains(stdout.String(), kept[0].Name) {
				t.Errorf("%s, want %s\n%s", kept[0], kinds, stdout.String())
			}
			r := results(t, out)
			if len(r.Findings) != len(kept) || r.ExitCode != code || r.Complete {
				t.Errorf("%d of %d findings in the report, exit code %d, complete %t", len(r.Findings), len(kept), r.ExitCode, r.Complete)
			}
			for _, name := range []string{kept[0].ScriptFile(), reports.JUnitFile, reports.SARIFFile, reports.HTMLFile} {
				if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// A target that dies again and again, and one that never comes back, end the campaign with what was found.
func TestFuzzTargetsThatDieEndTheCampaign(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, why string }{
		{"again and again", campaign.WhyDying},
		{"for good", campaign.WhyGone},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := moodySUT(t, "die")
			if row.why == campaign.WhyGone { // it starts once
				v.edit(t, "sut.yaml", fmt.Sprintf("[%q, moody, die, ", os.Args[0]),
					fmt.Sprintf(`[sh, -c, "test ! -e started && touch started && exec %s moody die $0", `, os.Args[0]))
			}
			out := v.path("fuzz")
			code, stdout, stderr := rspthreat(t.Context(), "fuzz", "-q", "--sut", v.path("sut.yaml"), "--seed", "1", "--cases", "100000", "--deaths", "2", "--effort", "3s", "-o", out)
			kept, err := finding.Read(filepath.Join(out, finding.JSONLFile))
			if code != reports.ExitViolations || err != nil || len(kept) == 0 || !strings.Contains(stdout, row.why) {
				t.Errorf("exit code %d, %d findings on disk, %v\n%s%s", code, len(kept), err, stdout, stderr)
			}
		})
	}
}

// TestFuzzSpeaksToUDPDoors: what dies of a datagram is found, by a script that says so and replays.
func TestFuzzSpeaksToUDPDoors(t *testing.T) {
	t.Parallel()
	v := moodySUT(t, "datagram")
	v.edit(t, "sut.yaml", "port: 3863}]", "port: 3863}, {protocol: asap, transport: udp, port: 3863}]")
	out := v.path("fuzz")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &output{first: stop, with: "found "}, &output{}
	code := command.Main(ctx, []string{"fuzz", "-q", "--sut", v.path("sut.yaml"), "--seed", "1", "--cases", "16384", "--effort", "5s", "-o", out}, stdout, stderr)
	kept, err := finding.Read(filepath.Join(out, finding.JSONLFile))
	if code != reports.ExitViolations || err != nil || len(kept) != 1 || kept[0].Kind != "crash" {
		t.Fatalf("exit code %d, %v, %v\n%s%s", code, kept, err, stdout.String(), stderr.String())
	}
	name := filepath.Join(out, kept[0].ScriptFile())
	script, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(script), "asap udp clear as nobody") || kept[0].Messages != 1 {
		t.Errorf("%d messages, %v\n%s", kept[0].Messages, err, script)
	}
	if code, told, complaint := rspthreat(t.Context(), "fuzz", "replay", "--sut", v.path("sut.yaml"), name); code != reports.ExitViolations || !strings.Contains(told, "registrations have an association") {
		t.Errorf("replay: exit code %d\n%s%s", code, told, complaint)
	}
}
