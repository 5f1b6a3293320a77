// SPDX-License-Identifier: Apache-2.0

// Package ledger holds the requirements of draft-ietf-rserpool-threats-15: one entry for each
// normative statement, with a stable ID, its level and the roles that it binds.
package ledger

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed ledger.yaml
var source []byte

// Ledger is the whole document.
type Ledger struct {
	Version      string            `yaml:"version"`
	Document     string            `yaml:"document"`
	Sections     map[string]string `yaml:"sections"` // titles
	Requirements []Requirement     `yaml:"requirements"`
}

// Requirement is one normative statement.
type Requirement struct {
	ID         string   `yaml:"id"`      // "T2.8-R1"
	Section    string   `yaml:"section"` // "2.8"
	Level      Level    `yaml:"level"`
	Gist       string   `yaml:"gist"`
	Binds      []string `yaml:"binds"`      // in the words of the draft
	Roles      []string `yaml:"roles"`      // on whom it is judged: registrar, pe, pu
	Observable string   `yaml:"observable"` // black-box, cooperation, none
	Note       string   `yaml:"note"`
	// From names, by role, the requirements from whose verdicts on that role this one's follows.
	From map[string][]string `yaml:"from"`
	// Unchecked says, by role, why neither a check nor From judges it.
	Unchecked map[string]string `yaml:"unchecked"`
}

// ResultID names the judgement of a requirement on a role: "T2.8-R1@pe".
func ResultID(requirement, role string) string { return requirement + "@" + role }

// Level is how strongly a statement binds.
type Level string

// The levels: key words of RFC 2119, and the draft's other wordings.
const (
	Must        Level = "MUST"
	MustNot     Level = "MUST NOT"
	Should      Level = "SHOULD"
	Implement   Level = "mandatory-to-implement"
	Prose       Level = "prose"
	LowerMust   Level = "must"
	Informative Level = "informative"
)

// ErrUnknown is wrapped by the error for an ID that is not in the ledger.
var ErrUnknown = errors.New("unknown requirement")

var load = sync.OnceValues(func() (*Ledger, error) {
	var l Ledger
	if err := yaml.UnmarshalWithOptions(source, &l, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	seen := make(map[string]bool, len(l.Requirements))
	for _, r := range l.Requirements {
		if seen[r.ID] {
			return nil, fmt.Errorf("ledger: %s is there twice", r.ID)
		}
		seen[r.ID] = true
		if _, ok := l.Sections[r.Section]; !ok {
			return nil, fmt.Errorf("ledger: %s is in section %q, which has no title", r.ID, r.Section)
		}
	}
	return &l, nil
})

// Load returns the ledger. It is shared: do not change it.
func Load() (*Ledger, error) { return load() }

// Find returns the requirement with that ID.
func (l *Ledger) Find(id string) (Requirement, error) {
	for _, r := range l.Requirements {
		if r.ID == id {
			return r, nil
		}
	}
	return Requirement{}, fmt.Errorf("%w %q: `rspthreat list` shows them", ErrUnknown, id)
}
