// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestEachFaultHasANameADescriptionAndWhatItViolates(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	requirement := regexp.MustCompile(`^T[23](\.[0-9]+)?-R[0-9]+$`)
	names, descriptions := map[string]bool{}, map[string]bool{}
	for _, f := range Faults() {
		if !name.MatchString(f.Name) || names[f.Name] {
			t.Errorf("name %q is not one word of a command line, or there twice", f.Name)
		}
		names[f.Name] = true
		if len(f.Description) < 20 || strings.Contains(f.Description, "\n") || descriptions[f.Description] {
			t.Errorf("%s: description %q", f.Name, f.Description)
		}
		descriptions[f.Description] = true
		if len(f.Requirements)+len(f.Informs) == 0 || f.apply == nil && f.element == nil && f.user == nil && f.service == nil && !f.everyKey {
			t.Errorf("%s violates nothing", f.Name)
		}
		for _, id := range f.Requirements {
			if !requirement.MatchString(id) {
				t.Errorf("%s: requirement %q", f.Name, id)
			}
		}
		// Each can be found by its name, and by what it violates.
		if found, err := FindFaults(f.Name); err != nil || len(found) != 1 || found[0].Name != f.Name {
			t.Errorf("FindFaults(%q): %v, %v", f.Name, found, err)
		}
	}
	if _, err := FindFaults("skip-owner-check", "no-such-fault", "nor-this"); !errors.Is(err, ErrUnknownFault) || !strings.Contains(err.Error(), `"no-such-fault"`) {
		t.Errorf("error %v, want one that names the first unknown fault", err)
	}
	for _, f := range FaultsFor("T2.8-R1", Registrar) {
		if f == "accept-early-data" { // early data is what makes a replay possible, RFC 8446 section 8
			return
		}
	}
	t.Errorf("faults for T2.8-R1: %v", FaultsFor("T2.8-R1", Registrar))
}
