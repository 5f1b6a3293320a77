// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/registrar"
)

// Fault takes one defence out of the reference. It is how a check is shown to be able to
// fail: with the fault, exactly Requirements are violated, without it none.
type Fault struct {
	Name         string
	Description  string
	Role         Role // whose fault it is; the zero value is the registrar's
	Requirements []string
	// Informs names informative requirements, which never fail: with the fault the report
	// holds a note on each, without it none.
	Informs []string
	// Disables says that honest elements are kept out too, so that the checks of other
	// requirements cannot take their baseline and are inconclusive.
	Disables bool
	// One of these, or several for a fault of what the roles share.
	apply   func(*registrar.Config)
	element func(*poolelement.Config)
	service func(association.Association) association.Association // of an element with its users
	// everyKey has an element take every key that was given out for a registrar's.
	everyKey bool
	user     func(*pooluser.Config)
}

// ErrUnknownFault is wrapped by the error for a fault that does not exist.
var ErrUnknownFault = errors.New("unknown fault")

// Faults returns all faults of the reference, by name.
func Faults() []Fault {
	all := slices.Concat(registrationFaults(), identityFaults(), transportFaults(), databaseFaults(), policyFaults(),
		administrationFaults(), integrityFaults(), loadFaults(), peerFaults(),
		elementFaults(), userFaults())
	for i := range all {
		if all[i].Role == "" {
			all[i].Role = Registrar
		}
	}
	slices.SortFunc(all, func(a, b Fault) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// FindFaults returns the named faults, or an error that names the first unknown one.
func FindFaults(names ...string) ([]Fault, error) {
	all := Faults()
	found := make([]Fault, 0, len(names))
	for _, name := range names {
		i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w %q: `rspthreat list --faults` shows them", ErrUnknownFault, name)
		}
		found = append(found, all[i])
	}
	return found, nil
}

// FaultsFor returns the names of the faults that violate a requirement on a role, or make a
// note on it if it is informative.
func FaultsFor(requirement string, role Role) []string {
	var names []string
	for _, f := range Faults() {
		if f.Role == role && slices.Contains(slices.Concat(f.Requirements, f.Informs), requirement) {
			names = append(names, f.Name)
		}
	}
	return names
}
