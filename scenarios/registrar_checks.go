// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// registrarChecks are the checks of registrars in files of their own, in the order of the
// sections.
func registrarChecks() []engine.Check {
	return slices.Concat(section2_5(), section2_10Registrar(), section2_13Registrar(), section2_14())
}
