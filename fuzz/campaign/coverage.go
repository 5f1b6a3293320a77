// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/model"
)

// Coverage counts the states that cases were run in and the transitions that were taken, as
// "role state" and "role state > state: name".
type Coverage map[string]uint64

func stateKey(m *model.Machine, s model.State) string { return string(m.Role) + " " + string(s) }

func transitionKey(m *model.Machine, t *model.Transition) string {
	return string(m.Role) + " " + string(t.From) + " > " + string(t.To) + ": " + t.Name
}

// add adds counts to c.
func (c Coverage) add(more Coverage) {
	for k, n := range more {
		c[k] += n
	}
}

// Total is what a coverage is part of: all states and transitions of all machines.
func Total() (keys []string) {
	for _, m := range model.Machines() {
		for _, s := range m.States() {
			keys = append(keys, stateKey(m, s))
		}
		for i := range m.Transitions {
			keys = append(keys, transitionKey(m, &m.Transitions[i]))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Missing returns what was not covered.
func (c Coverage) Missing() (keys []string) {
	for _, k := range Total() {
		if c[k] == 0 {
			keys = append(keys, k)
		}
	}
	return keys
}
