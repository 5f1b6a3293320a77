// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
)

// Merged is what several campaigns came to together.
type Merged struct {
	Progress
	Findings []*finding.Finding
	// Left are the shards of the campaign that are not among them.
	Left []int
}

// ErrApart says that directories do not hold shards of one campaign.
var ErrApart = errors.New("not a shard of the same campaign")

// Merge puts the findings of campaigns into one directory, each fault once, with scripts and
// captures. Shards of one campaign count together; two with the same number, or of different
// campaigns, are refused.
func Merge(into string, from []string) (*Merged, error) {
	m := &Merged{Progress: Progress{Coverage: Coverage{}}}
	var first *Header
	seen := map[int]string{}
	for _, dir := range from {
		r, err := read(filepath.Join(dir, JournalFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", dir, ErrNone)
		}
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = &r.header
		}
		if err := first.together(&r.header); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		if other, twice := seen[r.header.Shard]; twice {
			return nil, fmt.Errorf("%s: %w: %s is shard %d, too", dir, ErrApart, other, r.header.Shard)
		}
		seen[r.header.Shard] = dir
		m.add(&r.progress)
	}
	store, err := finding.OpenStore(into)
	if err != nil {
		return nil, err
	}
	for _, dir := range from {
		if err := adopt(store, dir); err != nil {
			return nil, err
		}
	}
	for shard := range first.Shards {
		if _, there := seen[shard]; !there {
			m.Left = append(m.Left, shard)
		}
	}
	m.Findings = store.List()
	return m, nil
}

// together tells whether two shards are of one campaign.
func (h *Header) together(other *Header) error {
	same := *other
	same.Shard = h.Shard
	if err := h.same(&same); err != nil {
		return fmt.Errorf("%w: %w", ErrApart, err)
	}
	return nil
}

func (p *Progress) add(more *Progress) {
	p.Cases += more.Cases
	p.Messages += more.Messages
	p.Avoided += more.Avoided
	p.Elapsed = max(p.Elapsed, more.Elapsed)
	p.Deaths += more.Deaths
	p.Restarts += more.Restarts
	p.Transient += more.Transient
	for what, times := range more.Fleeting {
		p.let(what, times)
	}
	p.Coverage.add(more.Coverage)
}

// adopt puts the findings of a directory into the store.
func adopt(store *finding.Store, dir string) error {
	list, err := finding.Read(filepath.Join(dir, finding.JSONLFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range list {
		file, err := os.Open(filepath.Join(dir, f.Script))
		if err != nil {
			return err
		}
		script, err := conversation.Parse(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		known := store.Known(f.Signature) != nil
		capture := f.Capture
		f.Capture = ""
		if err := store.Add(f, script); err != nil {
			return err
		}
		if !known && capture != "" {
			if err := store.Adopt(f, filepath.Join(dir, capture)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Begun is when the first of the campaigns in the directories began.
func Begun(dirs []string) (first time.Time) {
	for _, dir := range dirs {
		if h, err := ReadHeader(dir); err == nil && (first.IsZero() || h.Started.Before(first)) {
			first = h.Started
		}
	}
	return first
}
