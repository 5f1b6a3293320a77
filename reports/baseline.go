// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// BaselineVersion is the format of the baseline file.
const BaselineVersion = 1

// BaselineFile is the failures of one system that somebody has looked at and accepted for a time.
// They are judged all the same; as long as nothing about them changes, they do not make a run
// fail.
type BaselineFile struct {
	Version int             `yaml:"version"`
	Known   []BaselineEntry `yaml:"known"`
}

// BaselineEntry is one failure of a baseline.
type BaselineEntry struct {
	Result      string  `yaml:"result"`      // ID of the result: "T2.1-R1@registrar"
	Verdict     Verdict `yaml:"verdict"`     // fail, or warn
	Fingerprint string  `yaml:"fingerprint"` // of the way in which it is not met, see FingerprintOf
	Seen        string  `yaml:"seen"`        // what was seen then, for people
	Reason      string  `yaml:"reason"`      // why it is accepted
	Link        string  `yaml:"link,omitempty"`
	Expires     string  `yaml:"expires,omitempty"` // last day on which it is accepted: "2026-12-31"; "" is for ever
}

// ErrBaseline is wrapped by errors about a baseline file.
var ErrBaseline = errors.New("baseline")

// LoadBaseline reads a baseline. Unknown keys and wrong values are refused.
func LoadBaseline(path string) (*BaselineFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBaseline, err)
	}
	var b BaselineFile
	if err := yaml.UnmarshalWithOptions(text, &b, yaml.Strict()); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%w: %s: %s", ErrBaseline, path, line)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBaseline, path, err)
	}
	return &b, nil
}

func (b *BaselineFile) check() error {
	if b.Version != BaselineVersion {
		return fmt.Errorf("version: is %d, must be %d", b.Version, BaselineVersion)
	}
	seen := make(map[string]bool)
	for i, a := range b.Known {
		at := fmt.Sprintf("known[%d]", i)
		switch {
		case a.Result == "" || !strings.Contains(a.Result, "@"):
			return fmt.Errorf("%s.result: %q is not like T2.1-R1@registrar", at, a.Result)
		case seen[a.Result]:
			return fmt.Errorf("%s.result: %s is there twice", at, a.Result)
		case a.Verdict != Fail && a.Verdict != Warn:
			return fmt.Errorf("%s.verdict: is %q, must be fail or warn", at, a.Verdict)
		case a.Fingerprint == "":
			return fmt.Errorf("%s.fingerprint: is missing: `rspthreat baseline` writes it", at)
		case strings.TrimSpace(a.Reason) == "":
			return fmt.Errorf("%s.reason: is missing: why is it accepted?", at)
		}
		seen[a.Result] = true
		if a.Expires == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, a.Expires); err != nil {
			return fmt.Errorf("%s.expires: %q is not a day like 2026-12-31", at, a.Expires)
		}
	}
	return nil
}

// Apply says of every result what the baseline says of it, on a day. It returns the entries
// that no result has, of a run that was to have it.
func (b *BaselineFile) Apply(r *Results, today time.Time) (unmatched []string) {
	for _, a := range b.Known {
		i := slices.IndexFunc(r.Results, func(r Result) bool { return r.ID == a.Result })
		switch {
		case i >= 0 && (r.Results[i].Verdict == Inconclusive || r.Results[i].Verdict == HarnessError):
			// Nothing can be said of it today.
		case i >= 0:
			r.Results[i].Known = &Known{
				State: a.state(&r.Results[i], today), Reason: a.Reason, Link: a.Link, Expires: a.Expires, Fingerprint: a.Fingerprint,
			}
		case r.Complete:
			unmatched = append(unmatched, a.Result)
		}
	}
	return unmatched
}

// state compares an entry with the result of a day.
func (a *BaselineEntry) state(r *Result, today time.Time) KnownState {
	switch {
	case r.Verdict == Pass:
		return KnownFixed
	case r.Verdict != a.Verdict || FingerprintOf(r) != a.Fingerprint:
		return KnownChanged
	case a.Expires != "" && today.Format(time.DateOnly) > a.Expires:
		return KnownExpired
	}
	return KnownFailure
}

// Accepts tells whether a baseline accepts the result as it is.
func (r *Result) Accepts() bool { return r.Known != nil && r.Known.State == KnownFailure }

// Breaks tells whether the result is not what a baseline says: its entry is to be looked at.
func (r *Result) Breaks() bool { return r.Known != nil && r.Known.State != KnownFailure }

// EntryChange is what Update has done to one entry.
type EntryChange struct {
	Result string
	What   string // "added", "removed: it is met", "renewed: it fails in another way", ...
}

// Template is what Update writes into entries that are new.
type Template struct {
	Reason, Link, Expires string
	Warnings              bool // accept a SHOULD that is not met as well
}

// Update makes the baseline fit the results of a run: it adds failures, takes out what is met
// or not judged any more, and renews what fails in another way. What people have written stays,
// but for the day of what has expired, when there is a new one. Entries that the run
// had nothing to do with stay as they are.
func (b *BaselineFile) Update(r *Results, t Template, today time.Time) []EntryChange {
	var changes []EntryChange
	b.Version = BaselineVersion
	for i := range r.Results {
		result := &r.Results[i]
		at := slices.IndexFunc(b.Known, func(a BaselineEntry) bool { return a.Result == result.ID })
		failed := result.Verdict == Fail || result.Verdict == Warn && (t.Warnings || at >= 0)
		switch {
		case failed && at < 0:
			a := BaselineEntry{Result: result.ID, Reason: t.Reason, Link: t.Link, Expires: t.Expires}
			a.renew(result)
			b.Known = append(b.Known, a)
			changes = append(changes, EntryChange{result.ID, "added"})
		case failed:
			a := &b.Known[at]
			switch a.state(result, today) {
			case KnownChanged:
				a.renew(result)
				changes = append(changes, EntryChange{result.ID, "renewed: it fails in another way"})
			case KnownExpired:
				if t.Expires != "" {
					a.Expires = t.Expires
					changes = append(changes, EntryChange{result.ID, "prolonged until " + t.Expires})
				} else {
					changes = append(changes, EntryChange{result.ID, "left as it is: it has expired; give --expires"})
				}
			}
		case at >= 0 && result.Verdict == Pass:
			b.Known = slices.Delete(b.Known, at, at+1)
			changes = append(changes, EntryChange{result.ID, "removed: it is met"})
		case at >= 0 && !result.Verdict.Judged():
			b.Known = slices.Delete(b.Known, at, at+1)
			changes = append(changes, EntryChange{result.ID, "removed: it is not judged any more"})
		}
	}
	if r.Complete {
		b.Known = slices.DeleteFunc(b.Known, func(a BaselineEntry) bool {
			gone := !slices.ContainsFunc(r.Results, func(r Result) bool { return r.ID == a.Result })
			if gone {
				changes = append(changes, EntryChange{a.Result, "removed: there is no such result"})
			}
			return gone
		})
	}
	slices.SortStableFunc(b.Known, func(x, y BaselineEntry) int { return cmp.Compare(position(r, x.Result), position(r, y.Result)) })
	return changes
}

func (a *BaselineEntry) renew(r *Result) {
	a.Verdict, a.Fingerprint, a.Seen = r.Verdict, FingerprintOf(r), bound(r.Reason, maxSeen)
}

// maxSeen keeps what was seen within a few lines of the file.
const maxSeen = 300

func position(r *Results, id string) int {
	if i := slices.IndexFunc(r.Results, func(r Result) bool { return r.ID == id }); i >= 0 {
		return i
	}
	return len(r.Results)
}

// baselineHead stands at the beginning of the file.
const baselineHead = `# Known failures, for rspthreat run --baseline. They are judged all the same: one that is met, fails in another way,
# is not judged any more or has expired makes the run fail. rspthreat baseline keeps this file; comments in it are lost.
`

// Write writes the baseline as YAML.
func (b *BaselineFile) Write(w io.Writer) error {
	text, err := yaml.Marshal(b)
	if err == nil {
		_, err = io.WriteString(w, baselineHead+string(text))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBaseline, err)
	}
	return nil
}
