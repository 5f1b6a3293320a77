// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// everyVerdict returns a run that holds every verdict, with two checks and their evidence, as an engine would hand it over.
func everyVerdict(t testing.TB) *Results {
	t.Helper()
	r := &Results{
		Schema: SchemaID,
		Tool:   Tool{Name: "rspthreat", Version: "v0.1.0", Commit: "77b2a67", Go: "go1.26.8"},
		Ledger: Ledger{Document: "draft-ietf-rserpool-threats-15", Version: "1", Requirements: 83},
		Subject: Subject{
			Name: "Example registrar", Organisation: "Example Networks", Product: "poold", Version: "4.2", Contact: "pool@example.net",
			Security: "secured", Rung: 1, Config: "name: Example registrar\nsecurity: secured\npsk: (left out)\n",
			Doors: []Door{
				{Protocol: "asap", Transport: "sctp-udp", Secured: true, Address: "192.0.2.2:3864"},
				{Protocol: "asap", Transport: "tcp", Address: "192.0.2.2:3863"},
				{Protocol: "enrp", Transport: "sctp", Secured: true, Address: "192.0.2.2:9902"},
			},
		},
		Command: "rspthreat run --config registrar.yaml --report out", Faults: []string{"accept-unauthenticated-registration"},
		Started: start, Finished: start.Add(12340 * time.Millisecond), Complete: true, ExitCode: ExitViolations,
		Checks: []Check{spoofCheck(t), floodCheck(t)},
	}
	add := func(requirement, section, title, role, level, gist string, v Verdict, reason, check string) {
		r.Results = append(r.Results, Result{
			ID: requirement + "@" + role, Requirement: requirement, Section: section, SectionTitle: title, Role: role, Level: level,
			Gist: gist, Observable: "black-box", Verdict: v, Reason: reason, Check: check, Started: start, Duration: 120 * time.Millisecond,
			Command: "rspthreat run --config registrar.yaml --only " + requirement + "@" + role,
		})
	}
	const spoof, flood = "2.1-unauthenticated-registration", "2.10-registration-flood"
	add("T2.1-R1", "2.1", "PE registration/deregistration flooding: non-existent PE", "registrar", "MUST NOT",
		"no create or update of state before the PE is authenticated", Fail,
		"a registration in clear made pool element 0x12345678 resolvable by an honest pool user", spoof)
	add("T2.1-R2", "2.1", "PE registration/deregistration flooding: non-existent PE", "registrar", "mandatory-to-implement",
		"TLS with PSK implemented as the authentication mechanism", Pass, "handshake with the right key, refusal of a wrong one", spoof)
	add("T2.1-R2", "2.1", "PE registration/deregistration flooding: non-existent PE", "PE", "mandatory-to-implement",
		"TLS with PSK implemented as the authentication mechanism", NotApplicable, "no pool element is configured", "")
	add("T2.2-R5", "2.2", "PE registration/deregistration flooding: unauthorized PE", "registrar", "SHOULD",
		"refusals are rate limited", Warn, "1000 refusals in one second", flood)
	add("T2.10-R1", "2.10", "Flooding of registrars", "registrar", "MUST",
		"an honest registration goes through during a flood", Inconclusive, "the baseline registration got no answer within 2s", flood)
	add("T2.10-R2", "2.10", "Flooding of registrars", "PU", "MUST",
		"a pool user finds another registrar", Unsupported, `the adapter answered "unsupported"`, "")
	add("T2.11-R1", "2.11", "Eavesdropping", "registrar", "MUST", "the handle table is not readable on the wire", HarnessError,
		"capture socket: no buffer space available", "")
	r.Results[0].Certainty = "less certain: no peer credential was given, so only resolution was seen"
	r.Results[0].Information = []string{"the response carried cause 0xa although the registration took effect"}
	r.Results[0].Faults = []string{"accept-unauthenticated-registration", "serve-clear-port"}
	r.Results[0].Known = &Known{State: KnownExpired, Reason: "hard to mend", Expires: "2026-01-31"}
	r.Results[3].Known = &Known{State: KnownFailure, Reason: "fixed in 4.3", Link: "https://tracker.example.net/417", Expires: "2026-12-31"}
	r.Results[1].Certainty = "certain"
	r.Findings = []Finding{
		{
			ID: "crash-1f3a9c02", Title: "Pool element of length 4 ends the registrar", Kind: "crash", Severity: SeverityHigh, Role: "registrar",
			Reference: "RFC 5354 section 3.9", Explanation: "It reads behind the end.\nAnybody who may register can stop it.", Count: 12, First: start,
			Replay: "rspthreat fuzz replay findings/crash-1f3a9c02/input.bin", Reproducer: "findings/crash-1f3a9c02/input.bin",
			Hex: "010000100009000841424344000a0004", Size: 16, OriginalSize: 214,
		},
		{ID: "rule-1", Title: "Keep-alives go on", Kind: "rule", Severity: SeverityMedium, Requirement: "T2.10-R1", Explanation: "Three more."},
		{ID: "flags-1", Title: "Flags are echoed", Kind: "divergence", Severity: SeverityLow, Explanation: "They come back.", Known: &Known{State: KnownExpired, Reason: "harmless"}},
	}
	r.Proof = &Proof{Faults: []ProvenFault{
		{Name: "skip-owner-check", Role: "registrar", Description: "does not ask who owns the element", Violates: []string{"T2.3-R6@registrar"}, Disabled: []string{"T2.1-R2@registrar"}},
	}}
	r.Checks[0].Capture = r.Checks[0].ID + captureExt // as AddCheck leaves it
	return r
}

func spoofCheck(t testing.TB) Check {
	t.Helper()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	flat := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	c := Check{
		ID: "2.1-unauthenticated-registration", Section: "2.1", Role: "registrar", Title: "Registration without authentication",
		Threat: Threat{
			Attacker:     "anybody who can reach the clear ASAP port; no credential",
			Precondition: "the registrar serves secured pool elements; pool EchoPool has one member",
			Effect:       "pool users are sent to a server of the attacker's choice",
			Mitigation:   "TLS with pre-shared keys",
			Residual:     "whoever holds a key can still register",
		},
		Started: start, Duration: 118300 * time.Microsecond,
		Steps: []Step{
			{Kind: Baseline, Title: "PE alice registers over TLS, a PU resolves", Started: at(0), Duration: 31 * time.Millisecond, Outcome: "EchoPool holds 0x00000001", Verdict: Pass},
			{Kind: Attack, Title: "registration in clear", Started: at(31), Duration: 4 * time.Millisecond, Outcome: "answered with cause 0xa"},
			{Kind: Canary, Title: "PE alice registers again", Started: at(35), Duration: 12 * time.Millisecond, Outcome: "accepted"},
			{Kind: Oracle, Title: "PU resolves, peer downloads the handle table", Started: at(47), Duration: 20 * time.Millisecond, Outcome: "0x12345678 is in the pool"},
			{Kind: Judge, Title: "state was created for a stranger", Started: at(67), Verdict: Fail},
		},
		Before: []string{"EchoPool 0x00000001 tcp 192.0.2.9:7 home 0x0a0b0c0d", "EchoPool 0x00000002 tcp 192.0.2.10:7 home 0x0a0b0c0d"},
		After: []string{
			"EchoPool 0x00000001 tcp 192.0.2.9:7 home 0x0a0b0c0d", "EchoPool 0x00000002 tcp 192.0.2.11:7 home 0x0a0b0c0d",
			"EchoPool 0x12345678 sctp 10.0.0.1:4711 home 0x0a0b0c0d",
		},
		Log: []string{"09:30:00.124 asap: registration of 0x00000001", "09:30:00.155 asap: clear registration of 0x12345678 refused"},
	}
	c.Messages = []Message{
		{Time: at(3), Step: 0, From: "pe alice", To: "registrar", Door: "asap sctp-udp tls", Secured: true, Name: "ASAP_REGISTRATION", Summary: "pool EchoPool, PE 0x12345678, life 30 s, SCTP 10.0.0.1:4711, round robin", Hex: flat(hexRegistration)},
		{Time: at(9), Step: 0, From: "registrar", To: "pe alice", Door: "asap sctp-udp tls", Secured: true, Name: "ASAP_REGISTRATION_RESPONSE", Summary: "accepted, pool EchoPool, PE 0x12345678", Hex: flat(hexRegistrationResponse)},
		{Time: at(32), Step: 1, From: "attacker", To: "registrar", Door: "asap tcp", Name: "ASAP_REGISTRATION", Summary: "pool EchoPool, PE 0x12345678, life 30 s, SCTP 10.0.0.1:4711, round robin", Hex: flat(hexRegistration)},
		{Time: at(48), Step: 3, From: "pu", To: "registrar", Door: "asap tcp tls", Secured: true, Name: "ASAP_HANDLE_RESOLUTION", Summary: "pool EchoPool", Hex: flat(hexHandleResolution)},
	}
	c.Messages[0].Fields = []Field{{Name: "message type", Value: "0x01", At: 0, Length: 1}, {Name: "pool handle", Value: `"EchoPool"`, At: 4, Length: 12}, {Depth: 1, Name: "PE identifier", At: 20, Length: 4}}
	c.Plots = []Plot{{
		Title: "Latency of honest traffic", Unit: "ms", Limits: []Limit{{"promised", 50}},
		Series: []Series{{Name: "during the attack", Points: []Point{{0, 3}, {time.Second, 70}}}, {Name: "one value", Points: []Point{{0, 1}}}, {Name: "none"}},
	}}
	return c
}

// floodCheck has more messages than a report shows.
func floodCheck(t testing.TB) Check {
	t.Helper()
	c := Check{
		ID: "2.10-registration-flood", Section: "2.10", Role: "registrar", Title: "Flood of registrations",
		Threat:  Threat{Attacker: "an authenticated PE", Precondition: "a key of one pool", Effect: "honest elements cannot register"},
		Started: start, Duration: 3 * time.Second,
		Steps: []Step{
			{Kind: Baseline, Title: "an honest registration", Started: start, Outcome: "no answer within 2s", Verdict: Inconclusive},
			{Kind: Attack, Title: "1000 registrations", Started: start, Duration: time.Second, Outcome: "all refused"},
		},
		Before: []string{"EchoPool 0x00000001 tcp 192.0.2.9:7"}, After: []string{"EchoPool 0x00000001 tcp 192.0.2.9:7"},
	}
	for i := range 1000 {
		c.Messages = append(c.Messages, Message{
			Time: start.Add(time.Duration(i) * time.Millisecond), Step: 1, From: "attacker", To: "registrar", Door: "asap tcp tls", Secured: true,
			Name: "ASAP_REGISTRATION", Summary: fmt.Sprintf("pool flood-%04d", i), Hex: "01000008deadbeef",
		})
	}
	return c
}

// clearCapture is the wire of spoofCheck's attack over TCP, with a reset at the end.
func clearCapture(t testing.TB) *Capture {
	t.Helper()
	a, b := netip.MustParseAddrPort("192.0.2.66:40000"), netip.MustParseAddrPort("192.0.2.2:3863")
	var r frameRecorder
	r.add(Frame{Transport: "tcp", Kind: FrameOpen, Src: a, Dst: b, Comment: "attack: connect in clear (T2.1-R1)"})
	r.add(Frame{Transport: "tcp", Src: a, Dst: b, Data: unhex(t, hexRegistration), Comment: "attack: registration without authentication (T2.1-R1)"})
	r.add(Frame{Transport: "tcp", Src: b, Dst: a, Data: unhex(t, hexRegistrationResponse)})
	r.add(Frame{Transport: "tcp", Kind: FrameReset, Src: b, Dst: a})
	return &Capture{Frames: r.frames, KeyLog: []byte("CLIENT_RANDOM 00 11\n")}
}

// Strings that a hostile system puts wherever it can.
const (
	hostileMarkup = `</pre></script></style><script>alert(1)</script><img src=x onerror=alert(1)>]]>&"'` + "`"
	hostileBytes  = "nul\x00 esc\x1b[2J\x1b]0;owned\x07 bell\a cr\r lf\n del\x7f c1\u009b bad\xff\xfe surrogate\xed\xa0\x80 nonchar\ufffe\uffff bidi\u202e zero\u200b bom\ufeff"
)

// hostile returns everyVerdict with hostile text in every field that a system under test can reach.
func hostile(t testing.TB) *Results {
	t.Helper()
	evil := hostileMarkup + hostileBytes
	long := strings.Repeat("A\x1b\xff<b>", 300_000)
	r := everyVerdict(t)
	r.Interrupted = evil
	s := &r.Subject
	for _, f := range []*string{&s.Name, &s.Organisation, &s.Product, &s.Version, &s.Contact, &s.Config, &r.Command} {
		*f = evil
	}
	s.Doors[0].Address = evil
	for i := range r.Results {
		f := &r.Results[i]
		f.Reason, f.Certainty, f.Gist, f.Command = evil, evil, evil+long, evil
		f.Information = []string{evil, long}
	}
	c := &r.Checks[0]
	c.Title, c.Threat.Effect, c.Steps[0].Outcome, c.Steps[1].Title = evil, long, evil, evil
	c.Before, c.After = []string{evil, "same"}, []string{long, "same"}
	for i := range 2000 {
		c.Log = append(c.Log, fmt.Sprintf("%d %s", i, evil))
	}
	r.Checks[1].Capture = "javascript:alert(1)"
	m := &c.Messages[0]
	m.From, m.Name, m.Summary, m.Hex = evil, evil, long, evil+long
	m.Step = 1 << 30
	m.Fields = []Field{{Depth: -3, Name: evil, Value: evil + long, At: -1, Length: 1 << 40}}
	c.Plots[0].Title, c.Plots[0].Unit, c.Plots[0].Limits[0].Name, c.Plots[0].Series[0].Name = evil, evil, long, evil
	c.Plots[0].Series[0].Points[0].Value = math.Inf(1)
	c.Command, c.Threat.Mitigation, c.Threat.Residual = evil, evil, long
	k := Known{State: "whatever", Reason: evil, Link: "javascript:alert(1)//" + evil, Expires: long, Fingerprint: evil}
	r.Results[0].Known = &k
	f := &r.Findings[0]
	for _, s := range []*string{&f.Title, &f.Kind, &f.Severity, &f.Role, &f.Requirement, &f.Reference, &f.Explanation, &f.Replay, &f.Hex} {
		*s = evil
	}
	f.Reproducer, f.Capture, f.Count, f.Known = "../../etc/passwd", "javascript:alert(1)", -1, &k
	r.Proof.Faults[0].Name, r.Proof.Faults[0].Violates = evil, []string{evil, long}
	return r
}
