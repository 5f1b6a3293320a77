// SPDX-License-Identifier: Apache-2.0

// Package monitor watches a system under test while it is fuzzed: what it answers, whether honest
// nodes are still served and find what honest nodes made, and the process with its memory and log
// where that can be seen.
package monitor

import (
	"strings"
	"time"
)

// Kind is what sort of anomaly was seen.
type Kind string

// The kinds.
const (
	Crash   Kind = "crash"   // the process ended, or says in its log that it should have
	Hang    Kind = "hang"    // no answer in time to an honest question
	Slow    Kind = "slow"    // an answer that takes far longer than usual
	Memory  Kind = "memory"  // the process grows
	Garbage Kind = "garbage" // an answer that is no message
	Flood   Kind = "flood"   // more answers than questions
	Oracle  Kind = "oracle"  // the handlespace is not what honest nodes made it, or somebody got what he may not have
	Refused Kind = "refused" // an honest node is not served any more
)

// Anomaly is something that a system should not do.
type Anomaly struct {
	Kind Kind
	Rule string // what was broken, in a few words that do not change from case to case: "registration granted to a pu"
	// Detail says what was seen; it may change from case to case.
	Detail string
	// Where is the place in the system, as far as it tells: functions, the innermost first.
	Where []string
	// Requirement is the statement of the draft that it breaks ("T2.1-R1"), and Section that of
	// an RFC ("RFC 5354 section 4"); one of them may be empty.
	Requirement, Section string
	// Idle says that honest nodes see it without anybody else, after that time.
	Idle time.Duration
}

// maxWhere is how many functions tell one fault from another: callers further out differ without
// there being another fault.
const maxWhere = 3

// Signature is the same for anomalies of one fault.
func (a *Anomaly) Signature() string {
	parts := append([]string{string(a.Kind), a.Rule}, a.Where[:min(len(a.Where), maxWhere)]...)
	return strings.Join(parts, "|")
}

// Same tells whether b shows the fault that a shows. What has no place may be the same as what has one.
func (a *Anomaly) Same(b *Anomaly) bool {
	if a.Kind != b.Kind {
		return false
	}
	if len(a.Where) > 0 && len(b.Where) > 0 {
		return a.Signature() == b.Signature()
	}
	return a.Rule == b.Rule || a.Kind == Crash
}

// String is a sentence.
func (a *Anomaly) String() string {
	s := string(a.Kind) + ": " + a.Rule
	if a.Detail != "" {
		s += " (" + a.Detail + ")"
	}
	return s
}
