// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// elementChecks are those on pool elements.
func elementChecks() []engine.Check {
	return slices.Concat(section2_1Element(), section2_2Element(), section2_6Element(), section2_8Element(), section2_10Element(), section2_11Element(), section2_12Element(),
		section2_16Element(), section2_17Element())
}
