// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// userChecks are the checks of pool users.
func userChecks() []engine.Check {
	return slices.Concat(section2_7User(), section2_8User(), section2_10User(), section2_11User(), section2_9User(), section2_12User(), section2_13User(), section2_16User(), section2_17User(), section3User())
}
