// SPDX-License-Identifier: Apache-2.0

// Package reports holds the results of a run and writes them for people and machines: index.html, results.json,
// junit.xml, rspthreat.sarif, summary.md, and the evidence of each check. It compares runs and systems.
// It knows results, not how they came about.
package reports

import (
	"net/netip"
	"time"
)

// SchemaID names the format of results.json; the number rises when a reader has to change.
const SchemaID = "https://github.com/rspthreat/rspthreat/results/1"

// Results is one whole run; it is what results.json holds.
type Results struct {
	Schema   string    `json:"schema"`
	Tool     Tool      `json:"tool"`
	Ledger   Ledger    `json:"ledger"`
	Subject  Subject   `json:"subject"`
	Command  string    `json:"command"`          // repeats the run
	Faults   []string  `json:"faults,omitempty"` // faults switched on in the reference
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	// Complete is true when every selected check came to an end and nothing was left out by selection.
	Complete bool `json:"complete"`
	// Interrupted says why the run ended early; empty when it did not.
	Interrupted string   `json:"interrupted,omitempty"`
	ExitCode    int      `json:"exit_code"`
	Results     []Result `json:"results"`
	Checks      []Check  `json:"checks"`
	// Proof is the kill matrix of the checks: which fault of the reference turns which of them.
	Proof *Proof `json:"proof,omitempty"`
	// Findings are what fuzzing brought to light; they stand beside the verdicts.
	Findings []Finding `json:"findings,omitempty"`
}

// Proof says how the checks were shown to be able to fail: the reference without faults meets
// every requirement, and each fault violates exactly those that it takes the defence out of.
type Proof struct {
	Faults []ProvenFault `json:"faults"`
}

// ProvenFault is one line of the kill matrix.
type ProvenFault struct {
	Name        string   `json:"name"`
	Role        string   `json:"role"` // whose fault: "registrar", "pe", "pu"
	Description string   `json:"description"`
	Violates    []string `json:"violates"`           // IDs of results: "T2.1-R1@registrar"
	Noted       []string `json:"noted,omitempty"`    // IDs of informative results that note it
	Disabled    []string `json:"disabled,omitempty"` // IDs that are inconclusive with it, as it keeps honest nodes out too
}

// Tool identifies the program that judged.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
}

// Ledger identifies the requirements that were judged against.
type Ledger struct {
	Document     string `json:"document"` // "draft-ietf-rserpool-threats-15"
	Version      string `json:"version"`
	Requirements int    `json:"requirements"`
}

// Subject is the system under test as its configuration describes it; secrets are left out.
type Subject struct {
	Name         string `json:"name"`
	Organisation string `json:"organisation,omitempty"`
	Product      string `json:"product,omitempty"`
	Version      string `json:"version,omitempty"`
	Contact      string `json:"contact,omitempty"`
	Security     string `json:"security"` // "secured" or "clear"
	Rung         int    `json:"rung"`
	Doors        []Door `json:"doors"`
	Config       string `json:"config,omitempty"`      // redacted YAML
	ConfigFile   string `json:"config_file,omitempty"` // where it came from, as it was named
}

// Door is one address at which the system under test answers.
type Door struct {
	Protocol  string `json:"protocol"`  // "asap" or "enrp"
	Transport string `json:"transport"` // "tcp", "sctp", "sctp-udp", "udp"
	Secured   bool   `json:"secured"`
	Address   string `json:"address"`
}

// Result is the verdict on one requirement for one role.
type Result struct {
	ID           string        `json:"id"` // "T2.1-R1@registrar"
	Requirement  string        `json:"requirement"`
	Section      string        `json:"section"`
	SectionTitle string        `json:"section_title"`
	Role         string        `json:"role"`
	Level        string        `json:"level"`
	Gist         string        `json:"gist"`
	Observable   string        `json:"observable"`
	Rung         int           `json:"rung"`
	Verdict      Verdict       `json:"verdict"`
	Reason       string        `json:"reason"`
	Certainty    string        `json:"certainty,omitempty"`   // "certain" or "less certain: why"
	Information  []string      `json:"information,omitempty"` // what is worth knowing but not judged
	Faults       []string      `json:"faults,omitempty"`      // faults that prove this check can fail
	Check        string        `json:"check,omitempty"`       // ID of the Check that judged; empty when none ran
	Fingerprint  string        `json:"fingerprint,omitempty"` // the same as long as this result is not met in the same way; see FingerprintOf
	Known        *Known        `json:"known,omitempty"`       // what a baseline says about this result; nil without a baseline entry
	Command      string        `json:"command,omitempty"`     // repeats this one judgement
	Started      time.Time     `json:"started,omitzero"`
	Duration     time.Duration `json:"duration_ns"`
}

// KnownState says how a result compares with its entry in a baseline.
type KnownState string

// The states of a baseline entry.
const (
	KnownFailure KnownState = "known"   // not met, in the way that the baseline accepts
	KnownFixed   KnownState = "fixed"   // met now: the entry can go
	KnownExpired KnownState = "expired" // not met, and the baseline accepts it no longer
	KnownChanged KnownState = "changed" // not met, but in another way than the baseline accepts
)

// Known is the baseline entry for a result: a failure that somebody looked at and accepted for a time.
type Known struct {
	State       KnownState `json:"state"`
	Reason      string     `json:"reason"`                // why it is accepted
	Link        string     `json:"link,omitempty"`        // where it is tracked
	Expires     string     `json:"expires,omitempty"`     // the last day on which it is accepted: "2026-12-31"
	Fingerprint string     `json:"fingerprint,omitempty"` // of the result that was accepted
}

// Check is one execution of the five steps, with its evidence.
type Check struct {
	ID       string        `json:"id"` // stable, file-name safe: "2.1-unauthenticated-registration"
	Section  string        `json:"section"`
	Role     string        `json:"role"`
	Title    string        `json:"title"`
	Threat   Threat        `json:"threat"`
	Command  string        `json:"command,omitempty"` // repeats this check
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`
	Steps    []Step        `json:"steps"`
	Messages []Message     `json:"messages"`
	// MessagesOmitted counts messages of long steps that the reports leave out; the capture holds them.
	MessagesOmitted int `json:"messages_omitted,omitempty"`

	Before  []string `json:"before,omitempty"` // handlespace before the attack, a line an element, sorted
	After   []string `json:"after,omitempty"`
	Log     []string `json:"log,omitempty"`     // what the system under test logged meanwhile
	Capture string   `json:"capture,omitempty"` // the pcapng, relative to results.json
	Plots   []Plot   `json:"plots,omitempty"`   // what was measured over time: latencies, rates
}

// Plot is what a check measured over time, such as the latency of honest traffic during a flood.
type Plot struct {
	Title  string   `json:"title"`
	Unit   string   `json:"unit"` // of the values: "ms", "1/s"
	Limits []Limit  `json:"limits,omitempty"`
	Series []Series `json:"series"`
}

// Limit is a line that a measurement is judged against.
type Limit struct {
	Name  string  `json:"name"` // "promised keep-alives a second"
	Value float64 `json:"value"`
}

// Series is one curve of a plot.
type Series struct {
	Name   string  `json:"name"` // "during the flood"
	Points []Point `json:"points"`
}

// Point is one measured value.
type Point struct {
	At    time.Duration `json:"at_ns"` // since the start of the check
	Value float64       `json:"value"`
}

// Threat tells a reviewer what a check is about.
type Threat struct {
	Attacker     string `json:"attacker"`     // who, and from where
	Precondition string `json:"precondition"` // what must hold before
	Effect       string `json:"effect"`       // what it would mean in practice
	// Mitigation is the defence that the document asks for or that was seen at work; may be empty.
	Mitigation string `json:"mitigation,omitempty"`
	// Residual is the risk that is left when the requirements are met; may be empty.
	Residual string `json:"residual,omitempty"`
}

// StepKind names the five steps of a check.
type StepKind string

// The steps in their order.
const (
	Baseline StepKind = "baseline"
	Attack   StepKind = "attack"
	Canary   StepKind = "canary"
	Oracle   StepKind = "oracle"
	Judge    StepKind = "verdict"
)

// Step is one thing that a check did and what came of it.
type Step struct {
	Kind     StepKind      `json:"kind"`
	Title    string        `json:"title"`
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration_ns"`
	Outcome  string        `json:"outcome"` // what was seen, in a sentence
	Verdict  Verdict       `json:"verdict,omitempty"`
}

// Message is one ASAP or ENRP message as an actor sent or received it, before encryption.
type Message struct {
	Time    time.Time `json:"time"`
	Step    int       `json:"step"` // index into Check.Steps
	From    string    `json:"from"` // actor: "pe alice", "attacker", "registrar"
	To      string    `json:"to"`
	Door    string    `json:"door"` // "asap sctp-udp tls"
	Secured bool      `json:"secured"`
	Name    string    `json:"name"`    // RFC name, or "malformed"
	Summary string    `json:"summary"` // decoded fields in a line
	Hex     string    `json:"hex"`
	// Fields are the fields and parameters of the message in the order of their bytes, a parameter before what is
	// in it. They are there as far as the bytes can be read, for malformed messages too.
	Fields []Field `json:"fields,omitempty"`
}

// Field is one field or parameter of a message, beside the bytes that it was read from.
type Field struct {
	Depth  int    `json:"depth,omitempty"` // 0 for what stands in the message itself, 1 for what is in a parameter, ...
	Name   string `json:"name"`            // the RFC's name, lower case
	Value  string `json:"value,omitempty"` // as text; empty for a parameter that only holds others
	At     int    `json:"at"`              // offset of its first byte in the message
	Length int    `json:"length"`          // in bytes; padding does not count
}

// Finding is what a fuzzer found: an input that makes the system break a rule, and what it takes to see it again.
type Finding struct {
	ID          string `json:"id"` // stable, safe as a file name: "crash-1f3a9c02"
	Title       string `json:"title"`
	Kind        string `json:"kind"`     // "crash", "hang", "memory", "rule", "divergence", ...
	Severity    string `json:"severity"` // "high", "medium" or "low"
	Role        string `json:"role,omitempty"`
	Requirement string `json:"requirement,omitempty"` // of the ledger, when one is violated: "T2.3-R6"
	Reference   string `json:"reference,omitempty"`   // section that says otherwise: "RFC 5354 section 3.9"
	Explanation string `json:"explanation"`           // what happens, and what it would mean; lines are kept
	Replay      string `json:"replay,omitempty"`      // command that shows it again
	Reproducer  string `json:"reproducer,omitempty"`  // file, relative to results.json
	Capture     string `json:"capture,omitempty"`     // pcapng, relative to results.json
	// Hex is the minimised input, Size its bytes, OriginalSize the bytes of the input that was found first.
	Hex          string    `json:"hex,omitempty"`
	Size         int       `json:"size,omitempty"`
	OriginalSize int       `json:"original_size,omitempty"`
	Count        int       `json:"count,omitempty"` // how often it was met
	First        time.Time `json:"first,omitzero"`  // when it was met first
	Known        *Known    `json:"known,omitempty"`
}

// The severities of a finding.
const (
	SeverityHigh   = "high"   // the system ends, hangs, or does what a MUST forbids
	SeverityMedium = "medium" // it recovers by itself, or departs from a SHOULD
	SeverityLow    = "low"    // it departs from the letter, without an effect that was seen
)

// FrameKind says what happened on the wire.
type FrameKind uint8

// What a Frame records.
const (
	FrameData  FrameKind = iota // bytes of a stream, an SCTP packet or a datagram
	FrameOpen                   // a TCP connection was established
	FrameClose                  // a side closed gracefully (FIN)
	FrameReset                  // a side reset the connection
)

// Frame is one event on the wire, seen below TLS, for the pcapng.
// Events of one TCP connection have to be in order; for FrameOpen, Src is the side that connected.
type Frame struct {
	Time      time.Time
	Transport string // as in Door.Transport
	Kind      FrameKind
	Src, Dst  netip.AddrPort // of the packet, not of the association; UDP ports for "sctp-udp"; ports are 0 for "sctp"
	Data      []byte         // TCP stream bytes, a whole SCTP packet, or a UDP payload
	Comment   string         // shown by Wireshark: step and requirement
}

// Capture is the evidence of one check on the wire.
type Capture struct {
	Frames []Frame
	KeyLog []byte // NSS key log lines: what Wireshark needs to decrypt
	// Doors are addresses that the harness itself opened (mock pool elements, rogue registrars), so that
	// Wireshark knows which protocol their ports carry. The well-known ports need no mention.
	Doors []Door
}
