// SPDX-License-Identifier: Apache-2.0

package proof_test

import "github.com/rspthreat/rspthreat/scenarios/engine"

// unharmedElements is unharmed for the checks on pool elements.
var unharmedElements = map[engine.Sabotage]map[string]string{
	engine.MuteAttackers: {
		"2.6-pe-psk-authorises": "attacks nothing",
	},
	engine.DeafCanary: {
		"2.6-pe-psk-authorises": "attacks nothing, so it has no step after the attack",
	},
}
