// SPDX-License-Identifier: Apache-2.0

package proof_test

import "github.com/rspthreat/rspthreat/scenarios/engine"

// unharmedElements is unharmed for the checks on pool elements.
var unharmedElements = map[engine.Sabotage]map[string]string{
	engine.MuteAttackers: {
		"2.6-pe-psk-authorises":       "attacks nothing",
		"2.12-pe-announced-registrar": "the attacker only listens",
		"2.17-pe-signed-policy":       "nobody attacks: a registrar that could lie reads what it is told",
	},
	engine.DeafCanary: {
		"2.6-pe-psk-authorises": "attacks nothing, so it has no step after the attack",
	},
}
