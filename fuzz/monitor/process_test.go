// SPDX-License-Identifier: Apache-2.0

package monitor_test

import (
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

const goDeath = `level=INFO msg=registered
panic: runtime error: index out of range [INDEX] with length 2 [recovered]
	panic: again

goroutine 17 [running]:
panic({0x1234, 0x5678})
	/usr/local/go/src/runtime/panic.go:860 +0x1
example.org/registrar/wire.(*reader).policy(0xINDEX, 0x12)
	/src/wire/policy.go:71 +0x1a
example.org/registrar/wire.Decode({0xc000, 0xINDEX, 0x4})
	/src/wire/decode.go:31 +0x2f
example.org/registrar.(*session).read(0xINDEX)
	/src/session.go:131 +0x2f

goroutine 1 [chan receive]:
`

// TestDeathsAreToldApartByWhatTheyAre and not by the values in them.
func TestDeathsAreToldApartByWhatTheyAre(t *testing.T) {
	death := func(replace ...string) monitor.Anomaly {
		t.Helper()
		a, found := monitor.Death(strings.Split(strings.NewReplacer(replace...).Replace(goDeath), "\n"), monitor.DefaultPatterns())
		if !found {
			t.Fatal("no death is seen")
		}
		return a
	}
	one, again := death("INDEX", "3"), death("INDEX", "77")
	other := death("INDEX", "3", "policy(", "transport(")
	if one.Signature() != again.Signature() || !one.Same(&again) {
		t.Errorf("%q and %q", one.Signature(), again.Signature())
	}
	if one.Signature() == other.Signature() || one.Same(&other) {
		t.Errorf("%q twice", one.Signature())
	}
	if len(one.Where) != 3 || one.Where[0] != "example.org/registrar/wire.(*reader).policy" {
		t.Errorf("it died in %q", one.Where)
	}
	if a, found := monitor.Death([]string{"INTERNAL ERROR in ./src/x.c, line 40: condition size <= MAX is not satisfied!"}, monitor.DefaultPatterns()); !found || !strings.Contains(a.Rule, "condition size <= MAX") {
		t.Errorf("%+v", a)
	}
	if a, found := monitor.Death([]string{"level=INFO msg=refused", "all is well"}, monitor.DefaultPatterns()); found {
		t.Errorf("%+v", a)
	}
}
