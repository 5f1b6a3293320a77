// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"cmp"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// unharmed are the checks in which a fault of the harness has nothing to spoil, with the
// reason.
var unharmed = map[engine.Sabotage]map[string]string{
	engine.MuteAttackers: {
		"2.1-psk-authorises":        "attacks nothing",
		"2.14-idle":                 "attacks nothing",
		"2.7-certificate-tls":       "attacks nothing",
		"2.9-failover-notice":       "nobody attacks: an element crashes",
		"2.9-weaker-element":        "nobody attacks: elements crash, and weaker ones are in the pool",
		"2.16-echoed-cookie":        "the attacker only listens",
		"2.7-registrar-certificate": "attacks nothing",
		"2.13-unreachable-reports":  "nobody attacks: elements are gone",
		"2.5-psk-authorises":        "attacks nothing",
		"2.17-proven-choice":        "nobody attacks: users choose",
	},
	engine.DeafCanary: {
		"2.7-registrar-certificate": "attacks nothing, so it has no step after the attack",
		"2.5-psk-authorises":        "attacks nothing",
		"2.1-psk-authorises":        "attacks nothing, so it has no step after the attack",
		"2.7-certificate-tls":       "attacks nothing, so it has no step after the attack",
	},
	engine.BlindOracle: {
		"2.7-registrar-certificate": "looks at handshakes, and at nothing that changes",
		"2.5-psk-handshake":         "looks at handshakes, and at nothing that changes",
		"2.1-psk-handshake":         "looks at handshakes, and at nothing that changes",
	},
}

// sabotagesAtOnce are many: what is spoilt waits, and computes next to nothing.
const sabotagesAtOnce = 48

// TestFaultsOfTheHarnessNeverPass: nor do they hold anything against the system.
func TestFaultsOfTheHarnessNeverPass(t *testing.T) {
	t.Parallel()
	l := requirements(t)
	places := make(chan struct{}, sabotagesAtOnce)
	for _, kind := range engine.Sabotages() {
		for _, c := range scenarios.Checks() {
			t.Run(string(kind)+"/"+c.ID, func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				target, err := sut.NewEmbedded()
				if err != nil {
					t.Fatal(err)
				}
				target.Impatient()
				e := &engine.Engine{Target: target, Ledger: l, Seed: 1, Sabotage: kind}
				out := e.RunCheck(t.Context(), &c, func(string) bool { return true })
				why := cmp.Or(unharmed[kind][c.ID], unharmedElements[kind][c.ID])
				for _, r := range out.Results {
					switch r.Verdict {
					case reports.Inconclusive, reports.HarnessError, reports.Unsupported:
						if why != "" {
							t.Errorf("%s: %s: %s; but nothing is to be spoilt: %s", r.ID, r.Verdict, r.Reason, why)
						}
					case reports.Pass:
						if why == "" {
							t.Errorf("%s passes: %s", r.ID, r.Reason)
						}
					default:
						t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
					}
				}
			})
		}
	}
}
