// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
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
	r.Results[1].Certainty = "certain"
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
	return &Capture{Frames: r.frames}
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
	return r
}
