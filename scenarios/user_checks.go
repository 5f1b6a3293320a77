// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// userChecks are the checks of pool users.
func userChecks() []engine.Check {
	return slices.Concat(section2_7User())
}
