// SPDX-License-Identifier: Apache-2.0

package reports

import "testing"

func TestFingerprintStaysWhileTheFailureIsTheSame(t *testing.T) {
	base := Result{ID: "T2.1-R1@registrar", Verdict: Fail, Reason: "PE 0x12345678 at 127.3.4.5:4711 is resolvable after 2.1s"}
	with := func(change func(*Result)) string {
		r := base
		change(&r)
		return FingerprintOf(&r)
	}
	want := FingerprintOf(&base)
	if len(want) != fingerprintLength {
		t.Fatalf("fingerprint %q", want)
	}
	for name, c := range map[string]struct {
		change func(*Result)
		same   bool
	}{
		"another identifier, address and duration": {func(r *Result) { r.Reason = "PE 0xcafe at [::1]:9 is resolvable  after 17ms" }, true},
		"another run":     {func(r *Result) { r.Started, r.Duration, r.Command = start, 5, "x" }, true},
		"another reason":  {func(r *Result) { r.Reason = "PE 0x12345678 is gone" }, false},
		"another verdict": {func(r *Result) { r.Verdict = Warn }, false},
		"another role":    {func(r *Result) { r.ID = "T2.1-R1@pe" }, false},
	} {
		if got := with(c.change); (got == want) != c.same {
			t.Errorf("%s: same is %t", name, got == want)
		}
	}
	if with(func(r *Result) { r.Reason = "T2.1-R1: x" }) == with(func(r *Result) { r.Reason = "T2.1-R2: x" }) {
		t.Error("the requirement that a reason names does not count")
	}
	for _, v := range []Verdict{Pass, NotApplicable, Unsupported, HarnessError} {
		if got := with(func(r *Result) { r.Verdict = v }); got != "" {
			t.Errorf("%s has the fingerprint %q", v, got)
		}
	}
}
