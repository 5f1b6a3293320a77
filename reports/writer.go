// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Writer writes the reports of one run into a directory. It is not safe for concurrent use.
type Writer struct {
	dir   string
	ports ports
}

// NewWriter prepares dir, which it makes when it is not there, and removes the reports and the evidence that an earlier
// run left in it, each file only if rspthreat wrote it. When one of the names of reports belongs to somebody else, nothing
// is removed and the error wraps ErrForeign. What fuzzing found stays.
func NewWriter(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fileError("make", dir, err)
	}
	for _, name := range writtenFiles {
		if err := ours(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	stale, dirs := oldEvidence(dir)
	for _, name := range slices.Concat(stale, oldCaptures(dir), writtenFiles) {
		path := filepath.Join(dir, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fileError("remove", path, err)
		}
	}
	for _, name := range dirs {
		_ = os.Remove(filepath.Join(dir, name)) // stays when something else is in it
	}
	return &Writer{dir: dir, ports: wellKnownPorts()}, nil
}

// oldCaptures returns the captures that the results.json of an earlier run lists, of whatever schema version.
// A results.json that cannot be read names none.
func oldCaptures(dir string) []string {
	f, err := os.Open(filepath.Join(dir, ResultsFile))
	if err != nil {
		return nil
	}
	defer f.Close()
	var old struct {
		Checks []struct {
			Capture string `json:"capture"`
		} `json:"checks"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxResults)).Decode(&old); err != nil {
		return nil
	}
	var names []string
	for _, c := range old.Checks {
		if isCapture(c.Capture) && ours(filepath.Join(dir, c.Capture)) == nil {
			names = append(names, c.Capture)
		}
	}
	return names
}

// AddCheck writes the evidence of a check at once, so that it outlives whatever comes later, and sets check.Capture.
// What there is nothing of is not written; c may be nil.
func (w *Writer) AddCheck(check *Check, c *Capture) error {
	if !safeID.MatchString(check.ID) {
		return fmt.Errorf("reports: %w: %q", ErrCheckID, check.ID)
	}
	if c != nil {
		w.ports.learn(c)
	}
	return writeEvidence(w.dir, check, c)
}

// WriteCapture writes DIR/<check id>.pcapng, with DIR if it is not there, and names it in the check. It is for those who write no other report;
// several processes may use one directory, as long as their checks differ.
func WriteCapture(dir string, check *Check, c *Capture) error {
	if !safeID.MatchString(check.ID) {
		return fmt.Errorf("reports: %w: %q", ErrCheckID, check.ID)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fileError("make", dir, err)
	}
	name := check.ID + captureExt
	if err := writeFile(dir, name, func(out io.Writer) error { return writeCapture(out, name, check, c) }); err != nil {
		return err
	}
	check.Capture = name
	return nil
}

// Finish writes results.json with its schema, junit.xml, rspthreat.sarif, summary.md, rspthreat.lua, index.html, and last
// the manifest over everything. Each appears whole or not at all; when one fails, the others are still tried, and the
// first error is returned. Finish may be called again with more results.
func (w *Writer) Finish(r *Results) error {
	c := clean(r)
	w.ports.open(c.Subject.Doors)
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{ResultsFile, func(out io.Writer) error { return writeJSON(out, c) }},
		{SchemaFile, writeSchema},
		{JUnitFile, func(out io.Writer) error { return writeJUnit(out, c) }},
		{SARIFFile, func(out io.Writer) error { return writeSARIF(out, c) }},
		{SummaryFile, func(out io.Writer) error { return writeMarkdown(out, c) }},
		{LuaFile, w.ports.writeLua},
		{HTMLFile, func(out io.Writer) error { return writeHTML(out, c, w.dir) }},
		{ManifestFile, func(out io.Writer) error { return writeManifest(w.dir, out) }},
	}
	var first error
	for _, f := range files {
		if err := writeFile(w.dir, f.name, f.write); err != nil && first == nil {
			first = err
		}
	}
	return first
}
