// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

// errShard is wrapped by errors about --shard.
var errShard = errors.New("--shard")

// selected are the sections of the run: those of the flags, or those of the shard.
func (f *runFlags) selected(l *ledger.Ledger) ([]string, error) {
	if f.shard == "" {
		return f.sections, nil
	}
	if len(f.sections)+len(f.requirements) > 0 {
		return nil, fmt.Errorf("%w: is a selection of its own, beside --section and --requirement", errShard)
	}
	return shard(f.shard, l)
}

// shard returns the sections of the i-th of n parts. What follows from other sections alone is
// in no part: `report merge` judges it when all are there.
func shard(text string, l *ledger.Ledger) ([]string, error) {
	first, second, ok := strings.Cut(text, "/")
	i, err := strconv.Atoi(first)
	n, err2 := strconv.Atoi(second)
	if !ok || err != nil || err2 != nil || i < 1 || i > n {
		return nil, fmt.Errorf("%w: %q is not like 2/3", errShard, text)
	}
	all := judgedSections(l)
	if n > len(all) {
		return nil, fmt.Errorf("%w: there are %d sections, too few for %d parts", errShard, len(all), n)
	}
	var mine []string
	for k, section := range all {
		if k%n == i-1 {
			mine = append(mine, section)
		}
	}
	return mine, nil
}

// judgedSections are those that have a requirement of their own, in the order of the document.
func judgedSections(l *ledger.Ledger) []string {
	var all []string
	seen := make(map[string]bool)
	for _, r := range l.Requirements {
		follows := true
		for _, role := range r.Roles {
			follows = follows && len(r.From[role]) > 0
		}
		if !follows && !seen[r.Section] {
			seen[r.Section] = true
			all = append(all, r.Section)
		}
	}
	return all
}
