// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// speaking is a vendor whose registrar is started by an adapter that says what it knows. There
// is no peer credential. After what the adapter prints, the n-th answer about the handlespace is
// replaced by what the Python expression makes of the line.
func speaking(t *testing.T, n int, expression string) vendor {
	t.Helper()
	v := newVendor(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "filter.py", fmt.Sprintf(`import sys
n = 0
for line in sys.stdin:
    n += '"elements"' in line
    if '"elements"' in line and n == %d:
        line = %s
    sys.stdout.write(line)
    sys.stdout.flush()
`, n, expression))
	v.write(t, "adapter.sh", self+" adapter --registrar registrar.yaml | python3 filter.py\n")
	b, err := os.ReadFile(v.path("sut.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "sut.yaml", strings.Replace(string(b), "  peer: registrar-2\n", "", 1)+"adapter: {command: [sh, adapter.sh]}\n")
	return v
}

// verdictOn judges a requirement on the registrar.
func (v vendor) verdictOn(t *testing.T, requirement string) reports.Result {
	t.Helper()
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out, "--requirement", requirement)
	for _, r := range results(t, out).Results {
		if r.Requirement == requirement {
			return r
		}
	}
	t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	return reports.Result{}
}

// The registrar's own word makes up for a peer that looks at the handle table.
func TestRegistrarThatAnAdapterStartsIsJudgedForCertain(t *testing.T) {
	t.Parallel()
	v := speaking(t, 0, "line")
	code, stdout, stderr := rspthreat(t.Context(), "doctor", v.path("sut.yaml"))
	if code != 0 || !strings.Contains(stdout, "registrar's own view: there are 0 elements") || !strings.Contains(stdout, "key of pe-alice: the handshake succeeds") {
		t.Errorf("doctor: exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, requirement := range []string{"T2.1-R1", "T2.3-R6"} {
		if r := v.verdictOn(t, requirement); r.Verdict != reports.Pass || r.Certainty != "certain" {
			t.Errorf("%s: %s, %s: %s", requirement, r.Verdict, r.Certainty, r.Reason)
		}
	}
}

// What only the registrar itself knows counts: who owns an element, and whom it believed.
func TestWhatOnlyTheRegistrarKnowsIsJudged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		requirement      string
		n                int
		expression, want string
	}{
		{"T2.3-R6", 3, `line.replace('"owner":"pe-alice"', '"owner":"pe-bob"')`, "of pe-bob"},
		{"T2.1-R1", 4, `'{"node":"registrar-1","event":{"kind":"authenticated","identity":"pe-eve","remote":"127.0.0.9:5"}}\n' + line`, "pe-eve from 127.0.0.9:5"},
		{"T2.1-R1", 5, `line.replace('"elements":[', '"elements":[{"pool":"EchoPool","id":7},')`, "element 0x00000007"},
	} {
		v := speaking(t, row.n, row.expression)
		if r := v.verdictOn(t, row.requirement); r.Verdict != reports.Fail || !strings.Contains(r.Reason, row.want) {
			t.Errorf("%s: %s: %s; want a failure that names %q", row.requirement, r.Verdict, r.Reason, row.want)
		}
	}
}

// A view that cannot be had is no failure of the registrar.
func TestViewThatBreaksIsInconclusive(t *testing.T) {
	t.Parallel()
	v := speaking(t, 2, `'panic: out of ideas\n' + line`)
	if r := v.verdictOn(t, "T2.3-R6"); r.Verdict != reports.Inconclusive || !strings.Contains(r.Reason, "out of ideas") {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
}
