// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Features returns what a configuration can say that an element or user does not have. A
// check that needs it gets the verdict unsupported.
func Features() []string {
	return []string{
		"announcements",      // it does not listen for announced registrars
		"caller",             // registrars cannot set up associations with it
		"cookies",            // its service has no signed cookies (draft section 2.10)
		"policies",           // it registers with round robin only
		"provable-selection", // the experimental extension of draft section 2.17
		"secured-service",    // its service, or its channel with one, has no TLS
		"signed-policies",    // the experimental extension of draft section 2.17
		"user-psk",           // a user with a pre-shared key instead of certificates
	}
}

var requirementID = regexp.MustCompile(`^T[0-9]+(\.[0-9]+)*-R[0-9]+$`)

func (c *Config) checkUnsupported() error {
	for i, u := range c.Unsupported {
		place := fmt.Sprintf("unsupported[%d]", i)
		given := 0
		for _, s := range []string{u.Requirement, u.Section, u.Feature} {
			if s != "" {
				given++
			}
		}
		switch {
		case given != 1:
			return fmt.Errorf("%s: needs one of requirement, section and feature", place)
		case u.Reason == "":
			return fmt.Errorf("%s.reason: is missing: a sentence for the report", place)
		case u.Requirement != "" && !requirementID.MatchString(u.Requirement):
			return fmt.Errorf("%s.requirement: %q is not like T2.8-R1", place, u.Requirement)
		case u.Feature != "" && !slices.Contains(Features(), u.Feature):
			return fmt.Errorf("%s.feature: %q is none of %s", place, u.Feature, strings.Join(Features(), ", "))
		case u.Role != "" && !c.has(u.Role):
			return fmt.Errorf("%s.role: roles does not have %q", place, string(u.Role))
		}
	}
	return nil
}

// Declines returns the system's own word that it does not do what a requirement of a section
// is about on a role; "" when it does not say so.
func (c *Config) Declines(requirement, section string, role Role) string {
	for _, u := range c.Unsupported {
		if (u.Role == "" || u.Role == role) && (u.Requirement == requirement || u.Section != "" && u.Section == section) {
			return "the system under test says: " + u.Reason
		}
	}
	return ""
}

// lacks returns an error for the first of the features that the system says it has not.
func (c *Config) lacks(role Role, wanted map[string]bool) error {
	for _, u := range c.Unsupported {
		if wanted[u.Feature] && (u.Role == "" || u.Role == role) {
			return fmt.Errorf("%w: it says: %s", ErrUnsupported, u.Reason)
		}
	}
	return nil
}

// features are what a description asks for beyond what every element or user has.
func (s *ElementSpec) features() map[string]bool {
	return map[string]bool{
		"announcements": s.Announcements.IsValid(), "caller": s.Door.Transport != "" || s.Caller != nil, "cookies": s.CookieKey != nil,
		"policies": s.Policy.Type != 0 && s.Policy.Type != wire.RoundRobin, "signed-policies": s.SigningKey != nil,
		"secured-service": s.Service.Secured, "provable-selection": s.Selections != nil,
	}
}

func (s *UserSpec) features() map[string]bool {
	return map[string]bool{
		"announcements": s.Announcements.IsValid(), "signed-policies": len(s.PolicyKeys) > 0, "user-psk": s.Identity != nil,
		"secured-service": s.Elements == Secured, "provable-selection": s.ProveSelection,
	}
}
