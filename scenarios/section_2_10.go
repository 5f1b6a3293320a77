// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"slices"

	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// section2_10: Integrity.
//
// "a. ENRP response to pool handle resolution is corrupted during transmission. b. ENRP peer
// messages are corrupted during transmission. c. PE sends update for values and that
// information is corrupted during transmission. ... An integrity mechanism MUST be present.
// ... The interfaces that MUST implement integrity are PE to ENRP server and ENRP to ENRP
// server. The integrity mechanism in TLS is used for this."
func section2_10() []engine.Check { return slices.Concat(registrar2_10()) }
