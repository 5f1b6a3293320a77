// SPDX-License-Identifier: Apache-2.0

package sut

// Limits is what a system under test promises; 0 promises nothing. A check of floods judges
// against it, and says so where there is no promise.
type Limits struct {
	// RegistrationsPerSecond is how many registrations and deregistrations of one identity are
	// carried out.
	RegistrationsPerSecond float64 `yaml:"registrations_per_second,omitempty"`
	// ResolutionsPerSecond and ReportsPerSecond are of one identity, or of one address of those
	// that have none.
	ResolutionsPerSecond float64 `yaml:"resolutions_per_second,omitempty"`
	ReportsPerSecond     float64 `yaml:"reports_per_second,omitempty"`
	// KeepAlivesPerSecond is how many keep-alives one element gets.
	KeepAlivesPerSecond float64 `yaml:"keep_alives_per_second,omitempty"`
	// ElementsPerIdentity is how many elements one identity may register.
	ElementsPerIdentity int `yaml:"elements_per_identity,omitempty"`
}
