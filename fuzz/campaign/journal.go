// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/finding"
)

// JournalFile is the journal in the directory of a campaign.
const JournalFile = "journal.jsonl"

// JournalID names the format of the journal; the number rises when a reader has to change, or
// when a case with the same seed and ID says something else.
const JournalID = "https://github.com/rspthreat/rspthreat/fuzz-journal/1"

// Errors of a journal.
var (
	ErrExists  = errors.New("there is a campaign already: resume it, or choose another directory")
	ErrNone    = errors.New("there is no campaign to resume")
	ErrOther   = errors.New("it is another campaign")
	ErrJournal = errors.New("malformed journal")
)

// Header is the first line of a journal.
type Header struct {
	Schema  string    `json:"schema"`
	Subject string    `json:"subject"`
	Seed    uint64    `json:"seed"`
	Shard   int       `json:"shard"`
	Shards  int       `json:"shards"`
	Secured bool      `json:"secured"`
	IPv6    bool      `json:"ipv6,omitempty"` // own addresses are of IPv6
	Pools   []string  `json:"pools"`
	Callers []string  `json:"callers"`          // who can come through which door; part of what cases depend on
	Corpus  string    `json:"corpus,omitempty"` // checksum of what cases begin with
	Started time.Time `json:"started"`
}

// entry is a further line; one field is set.
type entry struct {
	Progress *Progress `json:"progress,omitempty"`
	Novel    *novel    `json:"novel,omitempty"`
	Fleeting *fleeting `json:"fleeting,omitempty"`
	End      string    `json:"end,omitempty"` // why a run ended
}

// fleeting is an anomaly that did not come about again, for whoever wants to look for it.
type fleeting struct {
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
	Case   string `json:"case,omitempty"` // after which it was seen
	Cases  uint64 `json:"cases"`          // of the campaign by then
}

// Progress is how far a campaign is.
type Progress struct {
	Block    uint64 `json:"block"` // the next one of this shard
	Cases    uint64 `json:"cases"`
	Messages uint64 `json:"messages"`
	// Avoided counts cases that would only kill the system in a way that is known.
	Avoided  uint64        `json:"avoided,omitempty"`
	Elapsed  time.Duration `json:"elapsed_ns"`
	Deaths   int           `json:"deaths"`
	Restarts int           `json:"restarts"`
	// Transient counts anomalies that did not come about again, and Fleeting what they were.
	Transient int            `json:"transient"`
	Fleeting  map[string]int `json:"fleeting,omitempty"`
	Coverage  Coverage       `json:"coverage,omitempty"`
}

// let counts an anomaly that did not come about again.
func (p *Progress) let(what string, times int) {
	if p.Fleeting == nil {
		p.Fleeting = map[string]int{}
	}
	if _, known := p.Fleeting[what]; known || len(p.Fleeting) < maxFleeting {
		p.Fleeting[what] += times
	}
}

// maxFleeting bounds what is told apart; a rule may have words of the system in it.
const maxFleeting = 100

// novel is a case that was answered in a new way; its variants are run.
type novel struct {
	Case string `json:"case"`
	Key  uint64 `json:"key"`
}

// journal is an open journal.
type journal struct {
	file *os.File
}

// record is what a journal holds.
type record struct {
	header   Header
	progress Progress
	novel    map[uint64]bool
	whole    int64 // octets up to the last whole line
}

// read reads a journal. A line that was being written when the campaign was killed is left out.
func read(path string) (*record, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &record{novel: map[uint64]bool{}}
	for n := 1; ; n++ {
		line, rest, whole := bytes.Cut(b[r.whole:], []byte("\n"))
		if !whole {
			break
		}
		if err := r.line(n, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		r.whole = int64(len(b) - len(rest))
	}
	if r.header.Schema == "" {
		return nil, fmt.Errorf("%s: %w: it has no header", path, ErrJournal)
	}
	return r, nil
}

func (r *record) line(n int, line []byte) error {
	if n == 1 {
		if err := json.Unmarshal(line, &r.header); err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
		if r.header.Schema != JournalID {
			return fmt.Errorf("%w: %q, this one reads %q", finding.ErrVersion, r.header.Schema, JournalID)
		}
		return nil
	}
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if e.Novel != nil {
		r.novel[e.Novel.Key] = true
	}
	if e.Progress != nil {
		coverage := r.progress.Coverage
		if r.progress = *e.Progress; r.progress.Coverage == nil {
			r.progress.Coverage = coverage
		}
	}
	return nil
}

// openJournal begins or resumes the journal of a campaign.
func openJournal(dir string, h Header, resume bool) (*journal, *record, error) {
	path := filepath.Join(dir, JournalFile)
	old, err := read(path)
	switch {
	case err == nil && !resume:
		return nil, nil, fmt.Errorf("%s: %w", path, ErrExists)
	case errors.Is(err, fs.ErrNotExist) && resume:
		return nil, nil, fmt.Errorf("%s: %w", dir, ErrNone)
	case errors.Is(err, fs.ErrNotExist):
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, err
		}
		j := &journal{f}
		return j, &record{header: h, novel: map[uint64]bool{}}, j.write(h)
	case err != nil:
		return nil, nil, err
	}
	if err := old.header.same(&h); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Truncate(old.whole); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(old.whole, 0); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return &journal{f}, old, nil
}

// same tells whether cases of both campaigns say the same.
func (h *Header) same(other *Header) error {
	switch {
	case h.Seed != other.Seed:
		return fmt.Errorf("%w: seed %d, not %d", ErrOther, h.Seed, other.Seed)
	case h.Shard != other.Shard || h.Shards != other.Shards:
		return fmt.Errorf("%w: shard %d/%d, not %d/%d", ErrOther, h.Shard, h.Shards, other.Shard, other.Shards)
	case h.Corpus != other.Corpus:
		return fmt.Errorf("%w: the corpus is not the same", ErrOther)
	case h.IPv6 != other.IPv6:
		return fmt.Errorf("%w: the doors are at addresses of IPv4 in one and of IPv6 in the other", ErrOther)
	case h.Secured != other.Secured || !slices.Equal(h.Pools, other.Pools) || !slices.Equal(h.Callers, other.Callers):
		return fmt.Errorf("%w: the system lets in %q, and %q now", ErrOther, h.Callers, other.Callers)
	}
	return nil
}

func (j *journal) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(b, '\n'))
	return err
}

func (j *journal) close() error { return j.file.Close() }

// ReadHeader reads what campaign a directory holds.
func ReadHeader(dir string) (*Header, error) {
	r, err := read(filepath.Join(dir, JournalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	return &r.header, nil
}
