// SPDX-License-Identifier: Apache-2.0

package finding_test

import (
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

// TestEveryFindingSaysWhatItMeansAndWhatItBreaks, of whatever kind it is.
func TestEveryFindingSaysWhatItMeansAndWhatItBreaks(t *testing.T) {
	for _, kind := range []monitor.Kind{
		monitor.Crash, monitor.Hang, monitor.Slow, monitor.Memory, monitor.Garbage, monitor.Flood, monitor.Oracle, monitor.Refused,
	} {
		f := finding.New(&monitor.Anomaly{Kind: kind, Rule: "it happened"})
		f.Confirmed = true
		if r := f.Report(); r.Reference == "" || r.Severity == "" || len(r.Explanation) < 60 {
			t.Errorf("%s: %+v", kind, r)
		}
		named := finding.New(&monitor.Anomaly{Kind: kind, Rule: "it happened", Requirement: "T2.3-R6"}).Report()
		if named.Requirement != "T2.3-R6" || named.Reference != "" {
			t.Errorf("%s of a requirement: %+v", kind, named)
		}
	}
}
