// SPDX-License-Identifier: Apache-2.0

// Package finding keeps what fuzzing has found: each fault once, with the script that shows it,
// the capture, and the command that replays it.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

// SchemaID names the format of findings.jsonl; the number rises when a reader has to change.
const SchemaID = "https://github.com/rspthreat/rspthreat/finding/1"

// ErrVersion says that a file was written by another version of this program.
var ErrVersion = errors.New("written by another version of rspthreat")

// Finding is one fault of the system under test; it is a line of findings.jsonl.
type Finding struct {
	Schema      string   `json:"schema"`
	Name        string   `json:"name"` // file-name safe, unique in a campaign
	Kind        string   `json:"kind"` // "crash", "hang" ...
	Title       string   `json:"title"`
	Detail      string   `json:"detail,omitempty"`
	Where       []string `json:"where,omitempty"` // functions, the innermost first
	Requirement string   `json:"requirement,omitempty"`
	Section     string   `json:"section,omitempty"`
	Signature   string   `json:"signature"`
	// Confirmed says that the script brought it about every time that it was repeated.
	Confirmed  bool          `json:"confirmed"`
	Reproduced string        `json:"reproduced"` // "3 of 3"
	Seed       uint64        `json:"seed"`
	Case       string        `json:"case,omitempty"` // where it was first seen; empty when it cannot be said
	Cases      uint64        `json:"cases"`          // how many were run until then
	After      time.Duration `json:"after_ns"`       // how long it took until then
	Duplicates int           `json:"duplicates"`     // how often it was seen again
	Messages   int           `json:"messages"`       // in the script
	Script     string        `json:"script"`         // file name, relative to the directory of the campaign
	Capture    string        `json:"capture,omitempty"`
	Replay     string        `json:"replay"` // command
	Log        []string      `json:"log,omitempty"`
}

// New describes an anomaly.
func New(a *monitor.Anomaly) *Finding {
	f := &Finding{
		Schema: SchemaID, Kind: string(a.Kind), Title: a.Rule, Detail: a.Detail, Where: a.Where,
		Requirement: a.Requirement, Section: a.Section, Signature: a.Signature(),
	}
	if f.Requirement == "" && f.Section == "" {
		f.Section = sections[a.Kind]
	}
	f.Name = name(a)
	return f
}

// disabled is where the draft names what comes of it: the attacker will "disable the RSerPool discovery and database function".
const disabled = "draft-ietf-rserpool-threats-15 section 2.1"

// sections are what an anomaly breaks that is not about one statement of a document.
var sections = map[monitor.Kind]string{
	monitor.Crash: disabled, monitor.Hang: disabled, monitor.Slow: disabled, monitor.Memory: disabled, monitor.Refused: disabled,
	monitor.Garbage: "RFC 5354 section 2",
	monitor.Flood:   "RFC 5352 section 3", // one answer to each request
	monitor.Oracle:  "draft-ietf-rserpool-threats-15 section 2.15",
}

// nameLength is how much of a title goes into a name.
const nameLength = 48

// name makes a file name of what happened, and of the signature, so that two faults never share one.
func name(a *monitor.Anomaly) string {
	sum := sha256.Sum256([]byte(a.Signature()))
	var b strings.Builder
	for _, r := range strings.ToLower(a.Rule) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= nameLength {
			break
		}
	}
	return fmt.Sprintf("%s-%s-%s", a.Kind, strings.Trim(b.String(), "-"), hex.EncodeToString(sum[:3]))
}

// String is a line for people.
func (f *Finding) String() string {
	s := f.Kind + ": " + f.Title
	if f.Requirement != "" {
		s += " [" + f.Requirement + "]"
	} else if f.Section != "" {
		s += " [" + f.Section + "]"
	}
	if !f.Confirmed {
		s += " (reproduced " + f.Reproduced + " times)"
	}
	return s
}
