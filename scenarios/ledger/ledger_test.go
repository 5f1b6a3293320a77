// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

func TestEveryRequirementSaysWhatReportsShow(t *testing.T) {
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	levels := []ledger.Level{ledger.Must, ledger.MustNot, ledger.Should, ledger.Implement, ledger.Prose, ledger.LowerMust, ledger.Informative}
	bound := []string{"registrar", "peer", "PE", "PU", "transport", "deployment", "all"}
	roles := []string{"registrar", "pe", "pu"}
	for _, r := range l.Requirements {
		if !strings.HasPrefix(r.ID, "T"+r.Section+"-R") {
			t.Errorf("%s is in section %s", r.ID, r.Section)
		}
		if l.Sections[r.Section] == "" {
			t.Errorf("%s: section %s has no title", r.ID, r.Section)
		}
		if !slices.Contains(levels, r.Level) {
			t.Errorf("%s: level %q", r.ID, r.Level)
		}
		if r.Gist == "" || strings.Contains(r.Gist, "\n") {
			t.Errorf("%s: gist %q", r.ID, r.Gist)
		}
		if len(r.Binds) == 0 {
			t.Errorf("%s binds nobody", r.ID)
		}
		for _, role := range r.Binds {
			if !slices.Contains(bound, role) {
				t.Errorf("%s binds %q", r.ID, role)
			}
		}
		if len(r.Roles) == 0 {
			t.Errorf("%s is judged on nobody", r.ID)
		}
		for _, role := range r.Roles {
			if !slices.Contains(roles, role) {
				t.Errorf("%s is judged on %q", r.ID, role)
			}
			for _, id := range r.From[role] {
				if source, err := l.Find(id); err != nil || !slices.Contains(source.Roles, role) || len(source.From) > 0 {
					t.Errorf("%s follows on the role %s from %s, which is not judged there by a check: %v", r.ID, role, id, err)
				}
			}
		}
		if !slices.Contains([]string{"black-box", "cooperation", "none"}, r.Observable) {
			t.Errorf("%s: observable %q", r.ID, r.Observable)
		}
	}
	if l.Version == "" || l.Document != "draft-ietf-rserpool-threats-15" {
		t.Errorf("version %q of %q", l.Version, l.Document)
	}
}

func TestFindTellsKnownFromUnknown(t *testing.T) {
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	// Draft section 2.1: a PE that is not authenticated MUST NOT change state.
	if r, err := l.Find("T2.1-R1"); err != nil || r.Section != "2.1" || r.Level != ledger.MustNot {
		t.Errorf("%+v, %v", r, err)
	}
	for _, id := range []string{"T2.1-R99", "T2.1", "t2.1-r1", ""} {
		if _, err := l.Find(id); !errors.Is(err, ledger.ErrUnknown) || !strings.Contains(err.Error(), `"`+id+`"`) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
