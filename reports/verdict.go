// SPDX-License-Identifier: Apache-2.0

package reports

import "fmt"

// Verdict is the outcome of one requirement on one role.
//
// Pass to HarnessError form a ladder: a verdict may only get worse (see Worse).
// NotApplicable and Unsupported stand beside the ladder; they say that nothing was judged.
type Verdict string

// The verdicts, from best to worst, and the two that stand apart.
const (
	// Pass: the attack was made, an honest transaction went through afterwards, and nothing forbidden was seen.
	Pass Verdict = "pass"
	// Warn: a SHOULD is not met.
	Warn Verdict = "warn"
	// Inconclusive: the honest operation did not work, before or after the attack, so nothing can be said.
	Inconclusive Verdict = "inconclusive"
	// Fail: a binding requirement is not met.
	Fail Verdict = "fail"
	// HarnessError: the harness itself went wrong, or a check ended without a verdict.
	HarnessError Verdict = "harness-error"

	// NotApplicable: the role, mode or rung that the check needs is not there.
	NotApplicable Verdict = "not-applicable"
	// Unsupported: the system under test says itself that it does not do this.
	Unsupported Verdict = "unsupported"
)

// Verdicts lists every verdict in the order in which reports show them.
var verdicts = [...]Verdict{Pass, Warn, Fail, Inconclusive, HarnessError, NotApplicable, Unsupported}

// Verdicts returns every verdict in the order in which reports show them.
func Verdicts() []Verdict { return append([]Verdict(nil), verdicts[:]...) }

func (v Verdict) severity() int {
	switch v {
	case Pass:
		return 1
	case Warn:
		return 2
	case Inconclusive:
		return 3
	case Fail:
		return 4
	case HarnessError:
		return 5
	default:
		return 0
	}
}

// Judged tells whether v says something about the system under test.
func (v Verdict) Judged() bool { return v.severity() > 0 }

// Worse returns the worse of two verdicts. A verdict that is not on the ladder
// gives way to one that is, so that "not-applicable" never hides a failure.
func Worse(a, b Verdict) Verdict {
	if b.severity() > a.severity() {
		return b
	}
	return a
}

// UnmarshalText refuses a verdict that this version does not know.
func (v *Verdict) UnmarshalText(b []byte) error {
	for _, known := range verdicts {
		if string(b) == string(known) {
			*v = known
			return nil
		}
	}
	return fmt.Errorf("unknown verdict %q", b)
}

// Exit codes of a run (README, "Exit codes").
const (
	ExitConforms    = 0 // every judged requirement passed (warnings allowed)
	ExitViolations  = 1 // at least one binding requirement is not met
	ExitUsage       = 2 // usage or configuration error: nothing was judged
	ExitUnreachable = 3 // the system could not be reached, a verdict is missing, or the harness failed
	ExitNothingRan  = 4 // no check was selected, or none applies
)
