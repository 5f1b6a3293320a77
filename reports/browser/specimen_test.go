// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

var began = time.Date(2026, 11, 25, 9, 30, 0, 123456000, time.UTC)

// registration is an ASAP_REGISTRATION with its fields, as RFC 5352 and 5354 lay them out.
const registration = "010000380009000c4563686f506f6f6c000a0028123456780000" + "00000000001e000400101267000000010008" + "0a0000010008000800000001"

var registrationFields = []reports.Field{
	{Name: "message type", Value: "0x01, ASAP_REGISTRATION", At: 0, Length: 1},
	{Name: "flags", Value: "0x00", At: 1, Length: 1},
	{Name: "message length", Value: "56", At: 2, Length: 2},
	{Name: "pool handle", Value: `"EchoPool"`, At: 4, Length: 12},
	{Name: "pool element", At: 16, Length: 40},
	{Depth: 1, Name: "PE identifier", Value: "0x12345678", At: 20, Length: 4},
	{Depth: 1, Name: "home server ID", Value: "0x00000000", At: 24, Length: 4},
	{Depth: 1, Name: "registration life", Value: "30", At: 28, Length: 4},
	{Depth: 1, Name: "SCTP transport", At: 32, Length: 16},
	{Depth: 2, Name: "port", Value: "4711", At: 36, Length: 2},
	{Depth: 2, Name: "transport use", Value: "0, data", At: 38, Length: 2},
	{Depth: 2, Name: "IPv4 address", Value: "10.0.0.1", At: 40, Length: 8},
	{Depth: 1, Name: "policy", Value: "RR", At: 48, Length: 8},
	{Depth: 2, Name: "policy type", Value: "0x00000001", At: 52, Length: 4},
}

const rejection = "030100200009000c4563686f506f6f6c000e000812345678000c0008000a0004"

var rejectionFields = []reports.Field{
	{Name: "message type", Value: "0x03, ASAP_REGISTRATION_RESPONSE", At: 0, Length: 1},
	{Name: "flags", Value: "0x01, reject", At: 1, Length: 1},
	{Name: "message length", Value: "32", At: 2, Length: 2},
	{Name: "pool handle", Value: `"EchoPool"`, At: 4, Length: 12},
	{Name: "PE identifier", Value: "0x12345678", At: 16, Length: 8},
	{Name: "operation error", At: 24, Length: 8},
	{Depth: 1, Name: "cause", Value: "0xa, rejected due to security considerations", At: 28, Length: 4},
}

// roles are what the ledger binds, as the page calls them.
var roles = map[string]string{"registrar": "Registrar", "pe": "Pool element", "pu": "Pool user"}

// specimen is a run with every verdict, role and section, findings, a baseline, plots, and about as many messages as said.
func specimen(t testing.TB, messages int) *reports.Results {
	t.Helper()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := &reports.Results{
		Schema: reports.SchemaID, Tool: reports.Tool{Name: "rspthreat", Version: "v0.1.0", Commit: "77b2a67", Go: "go1.26.8"},
		Ledger: reports.Ledger{Document: l.Document, Version: l.Version, Requirements: len(l.Requirements)},
		Subject: reports.Subject{
			Name: "Example registrar", Organisation: "Example Networks", Product: "poold", Version: "4.2", Contact: "security@example.net",
			Security: "secured", Rung: 1, ConfigFile: "registrar.yaml",
			Config: "version: 1\nname: Example registrar\nsecurity: secured\naddress: 192.0.2.2\ncredentials:\n  psk_file: (left out)\n",
			Doors: []reports.Door{
				{Protocol: "asap", Transport: "sctp-udp", Secured: true, Address: "192.0.2.2:3864"},
				{Protocol: "asap", Transport: "tcp", Secured: true, Address: "192.0.2.2:3864"},
				{Protocol: "enrp", Transport: "sctp-udp", Secured: true, Address: "192.0.2.2:9902"},
			},
		},
		Command: "rspthreat run --sut registrar.yaml --seed 7", Started: began, Finished: began.Add(84 * time.Second),
		Complete: true, ExitCode: reports.ExitViolations,
		Findings: findings(),
		Proof: &reports.Proof{Faults: []reports.ProvenFault{
			{Name: "skip-owner-check", Role: "registrar", Description: "does not ask whether the sender owns the element", Violates: []string{"T2.3-R6@registrar"}},
			{Name: "serve-clear-port", Role: "registrar", Description: "serves the clear port like the secured one", Violates: []string{"T2.1-R1@registrar", "T2.15-R1@registrar"}, Disabled: []string{"T2.15-R2@registrar"}},
		}},
	}
	order := []string{"registrar", "pe", "pu"}
	const checks = 63 // that come of it
	perCheck := messages / checks
	for i, req := range l.Requirements {
		for j, role := range order {
			if (i+j)%3 == 2 { // not every role has to meet everything
				continue
			}
			n := len(r.Results)
			result := reports.Result{
				ID: req.ID + "@" + role, Requirement: req.ID, Section: req.Section, SectionTitle: l.Sections[req.Section], Role: role,
				Level: string(req.Level), Gist: req.Gist, Observable: "black-box", Started: began, Duration: 700 * time.Millisecond,
				Verdict: verdictOf(n), Reason: reasonOf(n), Certainty: "certain", Faults: []string{"skip-owner-check"},
				Command: "rspthreat run --sut registrar.yaml --seed 7 --requirement " + req.ID,
			}
			if result.Verdict.Judged() && i%2 == 0 {
				c := check(req, role, n, perCheck)
				result.Check = c.ID
				r.Checks = append(r.Checks, c)
			}
			if !result.Verdict.Judged() {
				result.Certainty, result.Faults = "", nil
			}
			r.Results = append(r.Results, result)
		}
	}
	for i := range r.Results {
		if r.Results[i].Verdict == reports.Fail {
			r.Results[i].Known = &reports.Known{State: reports.KnownFailure, Reason: "fixed in 4.3", Link: "https://tracker.example.net/417", Expires: "2026-12-31"}
			r.Results[i].Certainty = "less certain: no peer credential was given, so only resolution was seen"
			r.Results[i].Information = []string{"the response carried cause 0xa although the registration took effect"}
			break
		}
	}
	return r
}

func verdictOf(n int) reports.Verdict {
	switch {
	case n == 3 || n == 40:
		return reports.Fail
	case n == 9 || n == 61:
		return reports.Warn
	case n == 17:
		return reports.Inconclusive
	case n == 33:
		return reports.HarnessError
	case n%23 == 5:
		return reports.Unsupported
	case n%6 == 4:
		return reports.NotApplicable
	default:
		return reports.Pass
	}
}

func reasonOf(n int) string {
	switch verdictOf(n) {
	case reports.Fail:
		return "an honest pool user resolves 0x12345678 although nobody authenticated as its owner"
	case reports.Warn:
		return "1000 refusals in one second, the promised limit is 10"
	case reports.Inconclusive:
		return "the honest operation does not work: the registration got no answer within 2s"
	case reports.HarnessError:
		return "the attack could not be made: no buffer space available"
	case reports.NotApplicable:
		return "needs rung 2, the system under test is at rung 1"
	case reports.Unsupported:
		return "the adapter answered that it does not do this"
	default:
		return "the handlespace is as before, the honest transaction went through"
	}
}

func check(req ledger.Requirement, role string, n, messages int) reports.Check {
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	v := verdictOf(n)
	c := reports.Check{
		ID: fmt.Sprintf("%s-%s-%d", req.Section, role, n), Section: req.Section, Role: role, Title: "Registration of somebody else's element",
		Threat: reports.Threat{
			Attacker:     "a pool element with a key of its own, at another address",
			Precondition: "the registrar serves secured pool elements; EchoPool has two members",
			Effect:       "pool users are sent to a server of the attacker's choice, and what they send is read and answered there",
			Mitigation:   "TLS with pre-shared keys; the identity that registered owns pool handle and PE identifier",
			Residual:     "whoever holds the key of a pool element can still do what that element may do",
		},
		Command: "rspthreat run --sut registrar.yaml --seed 7 --requirement " + req.ID,
		Started: began, Duration: 700 * time.Millisecond,
		Steps: []reports.Step{
			{Kind: reports.Baseline, Title: "PE alice registers over TLS, a PU resolves", Started: at(0), Duration: 131 * time.Millisecond, Outcome: "EchoPool holds 0x00000001", Verdict: reports.Pass},
			{Kind: reports.Attack, Title: "registration with alice's identifier", Started: at(131), Duration: 304 * time.Millisecond, Outcome: "answered with cause 0xa"},
			{Kind: reports.Canary, Title: "PE alice registers again", Started: at(435), Duration: 112 * time.Millisecond, Outcome: "accepted", Verdict: reports.Pass},
			{Kind: reports.Oracle, Title: "PU resolves, peer downloads the handle table", Started: at(547), Duration: 120 * time.Millisecond, Outcome: "0x12345678 at 10.0.0.1 is in the pool", Verdict: v},
			{Kind: reports.Judge, Title: "state was changed for a stranger", Started: at(667), Verdict: v},
		},
		Before: []string{`pool "EchoPool" element 0x00000001 at tcp 192.0.2.9 port 7 data, policy RR, home 0x0a0b0c0d`, `pool "EchoPool" element 0x00000002 at tcp 192.0.2.10 port 7 data, policy RR, home 0x0a0b0c0d`, `pool "EchoPool" element 0x00000003 at tcp 192.0.2.12 port 7 data, policy RR, home 0x0a0b0c0d`},
		After:  []string{`pool "EchoPool" element 0x00000001 at tcp 192.0.2.9 port 7 data, policy RR, home 0x0a0b0c0d`, `pool "EchoPool" element 0x00000002 at tcp 10.0.0.1 port 4711 data, policy RR, home 0x0a0b0c0d`, `pool "EchoPool" element 0x12345678 at sctp 10.0.0.1 port 4711 data, policy RR, home 0x0a0b0c0d`},
		Log:    []string{"09:30:00.124 asap: registration of 0x00000001", "09:30:00.155 asap: registration of 0x12345678 refused: not the owner"},
	}
	if n%5 == 0 {
		c.Plots = []reports.Plot{flood()}
	}
	for i := range max(messages, 8) {
		step := min(i*4/max(messages, 8), 3)
		m := reports.Message{
			Time: at(i * 650 / max(messages, 8)), Step: step, From: "pe alice", To: "registrar", Door: "asap sctp-udp tls", Secured: true,
			Name: "ASAP_REGISTRATION", Summary: fmt.Sprintf("PoolHandle EchoPool, ID 0x12345678, Life 30, message %d", i), Hex: registration, Fields: registrationFields,
		}
		switch {
		case i%2 == 1:
			m.From, m.To, m.Name, m.Summary = m.To, m.From, "ASAP_REGISTRATION_RESPONSE", "Reject true, PoolHandle EchoPool, PEID 0x12345678, Causes [rejected due to security considerations]"
			m.Hex, m.Fields = rejection, rejectionFields
		case step == 3:
			m.From, m.Name, m.Summary, m.Hex, m.Fields = "pu carol", "ASAP_HANDLE_RESOLUTION", "PoolHandle EchoPool", "050000100009000c4563686f506f6f6c", nil
		}
		if step == 1 {
			if m.From == "registrar" {
				m.To = "attacker mallory"
			} else {
				m.From = "attacker mallory"
			}
			m.Door, m.Secured = "asap tcp", false
		}
		c.Messages = append(c.Messages, m)
	}
	return c
}

func flood() reports.Plot {
	p := reports.Plot{
		Title: "Latency of honest registrations during the flood", Unit: "ms",
		Limits: []reports.Limit{{Name: "promised", Value: 50}},
		Series: []reports.Series{{Name: "before the flood"}, {Name: "during the flood"}},
	}
	for i := range 200 {
		at := time.Duration(i) * 25 * time.Millisecond
		s, value := 0, 4+2*math.Sin(float64(i)/3)
		if i > 60 {
			s, value = 1, 18+14*math.Sin(float64(i)/9)+float64(i%7)*3
		}
		p.Series[s].Points = append(p.Series[s].Points, reports.Point{At: at, Value: value})
	}
	return p
}

func findings() []reports.Finding {
	return []reports.Finding{
		{
			ID: "crash-1f3a9c02", Title: "Pool element parameter of length 4 ends the registrar", Kind: "crash", Severity: reports.SeverityHigh,
			Role: "registrar", Reference: "RFC 5354 section 3.9", Count: 12, First: began,
			Explanation: "The registrar reads the PE identifier behind the end of the parameter and ends with a segmentation fault.\nAnybody who may register can stop it with one message.",
			Replay:      "rspthreat fuzz replay findings/crash-1f3a9c02/input.bin", Reproducer: "findings/crash-1f3a9c02/input.bin",
			Hex: "010000100009000841424344000a0004", Size: 16, OriginalSize: 214,
		},
		{ID: "rule-77aa01", Title: "Keep-alives go on after deregistration", Kind: "rule", Severity: reports.SeverityMedium, Requirement: "T2.14-R1", Explanation: "Three more keep-alives were sent.", Count: 2},
		{ID: "rule-77aa02", Title: "Reserved flags are echoed", Kind: "divergence", Severity: reports.SeverityLow, Reference: "RFC 5354 section 4", Explanation: "Reserved flags of the request come back in the response.", Known: &reports.Known{State: reports.KnownExpired, Reason: "harmless", Expires: "2026-01-31"}},
	}
}

// write puts the reports of r into a directory and returns the address of its page.
func write(t testing.TB, r *reports.Results) (dir, page string) {
	t.Helper()
	dir = t.TempDir()
	w, err := reports.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Checks {
		if err := w.AddCheck(&r.Checks[i], capture(t)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range r.Findings {
		if f.Reproducer == "" {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Reproducer))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.Hex), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(r); err != nil {
		t.Fatal(err)
	}
	return dir, "file://" + filepath.ToSlash(filepath.Join(dir, reports.HTMLFile))
}

func capture(t testing.TB) *reports.Capture {
	t.Helper()
	b, err := hex.DecodeString(registration)
	if err != nil {
		t.Fatal(err)
	}
	src, dst := netip.MustParseAddrPort("192.0.2.66:40000"), netip.MustParseAddrPort("192.0.2.2:3863")
	return &reports.Capture{
		Frames: []reports.Frame{{Time: began, Transport: "tcp", Kind: reports.FrameOpen, Src: src, Dst: dst}, {Time: began, Transport: "tcp", Src: src, Dst: dst, Data: b, Comment: "step 2, attack"}},
		KeyLog: []byte("CLIENT_RANDOM 00 11\n"),
	}
}
