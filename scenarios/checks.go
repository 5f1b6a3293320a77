// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// Checks returns all checks in the order of the sections that they belong to. A check that
// judges requirements of several sections stands with the first that states them.
func Checks() []engine.Check {
	return slices.Concat(section2_1(), section2_2(), section2_3(), section2_4(), section2_8(), section2_10(), section2_11(), section2_15())
}
