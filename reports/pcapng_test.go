// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// report is a directory that holds one capture and the script for Wireshark.
type report struct{ dir, capture string }

// captureReport writes a capture as a run would.
func captureReport(t *testing.T, c *Capture, doors ...Door) report {
	t.Helper()
	dir := t.TempDir()
	w, check := newWriter(t, dir), &Check{ID: "check", Title: "A check"}
	if err := w.AddCheck(check, c); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(&Results{Subject: Subject{Doors: doors}, Checks: []Check{*check}}); err != nil {
		t.Fatal(err)
	}
	return report{dir, check.Capture}
}

// tshark runs the command that the page shows, with every checksum verified, and returns the lines of its output.
func (r report) tshark(t *testing.T, args ...string) []string {
	t.Helper()
	shown := strings.Fields(captureCommands(r.capture)[1])
	shown = shown[1 : len(shown)-1] // without the name of the program and -V
	cmd := exec.Command(tool(t, "tshark", "tshark"), append(append(shown,
		"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "sctp.checksum:CRC 32c"), args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // no preferences of the user
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.String())
	}
	var lines []string
	for l := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimRight(l, "\n"))
	}
	return lines
}

// fields returns the values of fields for each packet that passes the filter.
func (r report) fields(t *testing.T, filter string, fields ...string) []string {
	t.Helper()
	args := []string{"-Y", filter, "-T", "fields", "-E", "separator= "}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	return r.tshark(t, args...)
}

// Whatever makes an analyst doubt a capture: malformed packets, bad checksums, gaps, retransmissions, notes and worse.
// The only note that belongs there is the one on a FIN.
const suspicious = "_ws.malformed || tcp.analysis.flags || tcp.analysis.bytes_in_flight > 65535 || _ws.expert.severity >= 0x600000 || " +
	"(_ws.expert.severity >= 0x400000 && !(tcp.flags.fin == 1)) || " +
	"ip.checksum.status == Bad || tcp.checksum.status == Bad || udp.checksum.status == Bad || sctp.checksum.status == Bad"

func (r report) mustBeClean(t *testing.T) {
	t.Helper()
	if bad := r.fields(t, suspicious, "frame.number", "_ws.col.Info", "_ws.expert.message"); len(bad) > 0 {
		t.Errorf("tshark objects:\n%s", strings.Join(bad, "\n"))
	}
}

func TestCommentsAndTimesAreThoseOfTheFrames(t *testing.T) {
	c := captureReport(t, clearCapture(t))
	got := c.fields(t, "frame.comment", "frame.time_epoch", "asap.message_type", "frame.comment")
	want := []string{
		"1793611800.123456789  attack: connect in clear (T2.1-R1)",
		"1793611800.124456789 1 attack: registration without authentication (T2.1-R1)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	out, err := exec.Command(tool(t, "capinfos", "wireshark-common"), "-k", "-t", filepath.Join(c.dir, c.capture)).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pcapng", "Check check: A check", "TCP headers are reconstructed", "wireshark -X lua_script:rspthreat.lua evidence/check/check.pcapng"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("capinfos does not say %q:\n%s", want, out)
		}
	}
}

func TestClearMessagesAreDissected(t *testing.T) {
	reg, ask, presence := unhex(t, hexRegistration), unhex(t, hexHandleResolution), unhex(t, hexPresence)
	both := slices.Concat(reg, ask)
	for _, c := range []struct {
		name, transport string
		port            uint16
		ppid            uint32
		frames          [][]byte
		filter, want    string
	}{
		{"two messages in one segment", "tcp", 3863, 0, [][]byte{both}, "asap", "1,5"},
		{"a message in three segments", "tcp", 3863, 0, [][]byte{both[:2], both[2:30], both[30:]}, "asap", "1,5"},
		{"ENRP over TCP", "tcp", 9901, 0, [][]byte{presence}, "enrp", "1"},
		{"SCTP", "sctp", 3863, 11, [][]byte{reg}, "asap", "1"},
		{"SCTP in UDP", "sctp-udp", 3863, 11, [][]byte{reg}, "asap", "1"},
		{"ENRP over SCTP", "sctp", 9901, 12, [][]byte{presence}, "enrp", "1"},
		{"announcement", "udp", 3863, 0, [][]byte{unhex(t, "0a000008 0a0b0c0d")}, "asap", "10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r frameRecorder
			client, server := sctpEnds(c.transport, c.port, c.ppid)
			if c.transport == "tcp" || c.transport == "udp" {
				client.addr = netip.AddrPortFrom(client.addr.Addr(), 40000)
				server.addr = netip.AddrPortFrom(server.addr.Addr(), c.port)
			} else {
				openSCTP(&r, client, server)
			}
			for _, data := range c.frames {
				f := Frame{Transport: c.transport, Src: client.addr, Dst: server.addr, Data: data}
				if c.ppid != 0 {
					f = client.data(server, data)
				}
				r.add(f)
			}
			report := captureReport(t, &Capture{Frames: r.frames})
			report.mustBeClean(t)
			if got := report.fields(t, c.filter, c.filter+".message_type"); !slices.Equal(got, []string{c.want}) {
				t.Errorf("messages %q, want %q", got, c.want)
			}
		})
	}
}

func TestTLSIsDecryptedAndDissected(t *testing.T) {
	reg, accept, presence := unhex(t, hexRegistration), unhex(t, hexRegistrationResponse), unhex(t, hexPresence)
	two := slices.Concat(reg, unhex(t, hexHandleResolution))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			name     string
			capture  *Capture
			doors    []Door
			protocol string
			want     []string
		}{
			{"ASAP over TCP", tcpTLSCapture(t, version, 3864, two, accept), nil, "asap", []string{"1,5", "3"}},
			{"ENRP over TCP", tcpTLSCapture(t, version, 9902, presence, presence), nil, "enrp", []string{"1", "1"}},
			{"ASAP over SCTP", sctpTLSCapture(t, "sctp", version, 3864, reg, accept), nil, "asap", []string{"1", "3"}},
			{"ENRP over SCTP", sctpTLSCapture(t, "sctp", version, 9902, presence, presence), nil, "enrp", []string{"1", "1"}},
			{"ASAP over SCTP in UDP", sctpTLSCapture(t, "sctp-udp", version, 3864, reg, accept), nil, "asap", []string{"1", "3"}},
			{
				"the system's own port", tcpTLSCapture(t, version, 12345, presence, presence),
				[]Door{{Protocol: "enrp", Transport: "tcp", Secured: true, Address: "192.0.2.2:12345"}},
				"enrp",
				[]string{"1", "1"},
			},
		} {
			t.Run(fmt.Sprintf("%s, %s", c.name, tls.VersionName(version)), func(t *testing.T) {
				r := captureReport(t, c.capture, c.doors...)
				r.mustBeClean(t)
				if got := r.fields(t, "tls && "+c.protocol, c.protocol+".message_type"); !slices.Equal(got, c.want) {
					t.Errorf("messages %q, want %q", got, c.want)
				}
			})
		}
	}
}

// The key log stands beside the capture for tools that do not read the secrets in it, or captures that others made.
func TestKeyLogOpensACaptureWithoutSecrets(t *testing.T) {
	c := tcpTLSCapture(t, tls.VersionTLS13, 9902, unhex(t, hexPresence), unhex(t, hexPresence))
	whole := captureReport(t, c)
	bare := captureReport(t, &Capture{Frames: c.Frames})
	const filter = "tls && enrp"
	if got := bare.fields(t, filter, "enrp.message_type"); len(got) != 0 {
		t.Fatalf("without secrets: %q", got)
	}
	keys := filepath.Join(whole.dir, EvidenceDir, "check", KeyLogFile)
	got := bare.tshark(t, "-o", "tls.keylog_file:"+keys, "-Y", filter, "-T", "fields", "-e", "enrp.message_type")
	if !slices.Equal(got, []string{"1", "1"}) {
		t.Errorf("with the key log: %q", got)
	}
}

func TestEveryMessageOfAPacketIsInItsSummaryLine(t *testing.T) {
	two := slices.Concat(unhex(t, hexRegistration), unhex(t, hexHandleResolution))
	r := captureReport(t, tcpTLSCapture(t, tls.VersionTLS13, 3864, two, unhex(t, hexRegistrationResponse)))
	want := []string{"ASAP Registration ASAP Handle Resolution", "ASAP Registration Response"}
	got := r.fields(t, "asap", "_ws.col.Info")
	for i := range got {
		got[i] = strings.Join(strings.Fields(got[i]), " ")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPortsThatTheHarnessOpenedAreDissected(t *testing.T) {
	c := tcpTLSCapture(t, tls.VersionTLS13, 23456, unhex(t, hexPresence), unhex(t, hexPresence))
	c.Doors = []Door{
		{Protocol: "enrp", Secured: true, Address: "127.0.0.7:23456"},
		{Protocol: "asap", Address: "no port"},
		{Protocol: `"); os.execute("false`, Address: "127.0.0.1:99"},
	}
	if got := captureReport(t, c).fields(t, "enrp", "enrp.message_type"); !slices.Equal(got, []string{"1", "1"}) {
		t.Errorf("messages %q", got)
	}
}

func TestSCTPInUDPOnAnotherPortIsDissected(t *testing.T) {
	c := sctpTLSCapture(t, "sctp-udp", tls.VersionTLS13, 3864, unhex(t, hexRegistration), unhex(t, hexRegistrationResponse))
	for i := range c.Frames {
		f := &c.Frames[i]
		if f.Dst.Addr().String() == "192.0.2.2" {
			f.Src, f.Dst = netip.AddrPortFrom(f.Src.Addr(), 50123), netip.AddrPortFrom(f.Dst.Addr(), 45678)
		} else {
			f.Src, f.Dst = netip.AddrPortFrom(f.Src.Addr(), 45678), netip.AddrPortFrom(f.Dst.Addr(), 50123)
		}
	}
	if got := captureReport(t, c).fields(t, "asap", "asap.message_type", "udp.port"); !slices.Equal(got, []string{"1 50123,45678", "3 45678,50123"}) {
		t.Errorf("messages %q", got)
	}
}

func TestOddFramesStillMakeACapture(t *testing.T) {
	v4, v6 := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("[2001:db8::1]:2")
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.2]:3")
	var r frameRecorder
	for _, p := range [][2]netip.AddrPort{
		{v4, mapped}, {mapped, v4}, {v4, v6}, {v4, {}}, {{}, v6}, {{}, {}}, {v6, netip.MustParseAddrPort("0.0.0.0:4")}, {netip.MustParseAddrPort("[::]:5"), v4},
	} {
		r.add(Frame{Transport: "udp", Src: p[0], Dst: p[1], Data: []byte("x")})
	}
	r.add(Frame{Transport: "udp", Src: v4, Dst: v4, Data: make([]byte, 70_000), Comment: "\x00\xff" + strings.Repeat("long ", 50_000)})
	r.add(Frame{Transport: "sctp", Src: v4, Dst: v4, Data: []byte{1, 2, 3}})
	r.add(Frame{Transport: "sctp-udp", Src: v6, Dst: v6})
	c := captureReport(t, &Capture{Frames: r.frames, KeyLog: []byte("not a key log")})
	want := []string{
		"192.0.2.1 192.0.2.2  ", "192.0.2.2 192.0.2.1  ", "  ::ffff:192.0.2.1 2001:db8::1", "192.0.2.1 0.0.0.0  ", "  :: 2001:db8::1",
		"0.0.0.0 0.0.0.0  ", "  2001:db8::1 ::", "0.0.0.0 192.0.2.1  ", "192.0.2.1 192.0.2.1  ", "192.0.2.1 192.0.2.1  ", "  2001:db8::1 2001:db8::1",
	}
	if got := c.fields(t, "frame", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := c.fields(t, "frame.number == 9", "udp.length"); !slices.Equal(got, []string{"65515"}) {
		t.Errorf("length %q", got)
	}
}
