// SPDX-License-Identifier: Apache-2.0

package reports

import "testing"

// What a baseline lets pass does not conform, and what it breaks is no failure of the system.
func TestOutcomeSaysWhatTheExitCodeCannot(t *testing.T) {
	known := func(v Verdict, s KnownState) Result { return Result{Verdict: v, Known: &Known{State: s}} }
	for _, row := range []struct {
		name string
		r    Results
		want string
		tone Verdict
	}{
		{"all met", Results{Results: []Result{{Verdict: Pass}}}, "Conforms to every requirement that was judged", Pass},
		{"a known failure", Results{Results: []Result{{Verdict: Pass}, known(Fail, KnownFailure)}}, "Conforms but for 1 known failure", Warn},
		{"a known warning", Results{Results: []Result{known(Warn, KnownFailure)}}, "Conforms to every requirement that was judged", Pass},
		{"an entry that can go", Results{ExitCode: ExitViolations, Results: []Result{known(Pass, KnownFixed)}}, "The baseline of known failures does not fit any more", Fail},
		{"an entry that has expired", Results{ExitCode: ExitViolations, Results: []Result{known(Fail, KnownExpired)}}, "Does not conform", Fail},
		{"findings alone", Results{ExitCode: ExitViolations, Findings: []Finding{{}, {}}}, "Fuzzing found 2 defects", Fail},
		{"a failure and findings", Results{ExitCode: ExitViolations, Results: []Result{{Verdict: Fail}}, Findings: []Finding{{}}}, "Does not conform", Fail},
	} {
		if got := outcome(&row.r); got != row.want || tone(&row.r) != row.tone {
			t.Errorf("%s: %q in the tone of %s, want %q, %s", row.name, got, tone(&row.r), row.want, row.tone)
		}
	}
}
