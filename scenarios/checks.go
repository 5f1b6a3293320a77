// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// Checks returns all checks in the order of the sections that they belong to. A check that
// judges requirements of several sections stands with the first that states them.
func Checks() []engine.Check {
	all := slices.Concat(
		section2_1(), section2_2(), section2_3(), section2_4(), section2_8(), section2_11(), section2_15(),
		section2_6Registrar(), section2_7Registrar(), section2_12Registrar(), section2_17Registrar(), withdrawal(),
		registrarChecks(), elementChecks(), userChecks(),
	)
	slices.SortStableFunc(all, func(a, b engine.Check) int { return bySection(a.Section, b.Section) })
	return all
}

// bySection compares "2.9" and "2.10" by number.
func bySection(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
