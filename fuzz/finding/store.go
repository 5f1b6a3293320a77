// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
)

// File names in the directory of a campaign.
const (
	JSONLFile  = "findings.jsonl"
	ScriptsDir = "findings"
	ScriptExt  = ".script"
)

// fileMode keeps findings to whom they belong: they show how to break somebody's software.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// Store keeps the findings of a campaign in a directory. Every change is on disk when the call
// returns.
type Store struct {
	Dir  string
	list []*Finding
	by   map[string]*Finding
}

// OpenStore reads what is in the directory, which it makes if it is not there.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(filepath.Join(dir, ScriptsDir), dirMode); err != nil {
		return nil, err
	}
	s := &Store{Dir: dir, by: map[string]*Finding{}}
	list, err := Read(filepath.Join(dir, JSONLFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range list {
		s.list = append(s.list, f)
		s.by[f.Signature] = f
	}
	return s, nil
}

// maxLine bounds a line of findings.jsonl.
const maxLine = 4 << 20

// Read reads a findings.jsonl.
func Read(path string) ([]*Finding, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var list []*Finding
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		f := &Finding{}
		if err := json.Unmarshal(lines.Bytes(), f); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if f.Schema != SchemaID {
			return nil, fmt.Errorf("%s:%d: %w: %q, this one reads %q", path, n, ErrVersion, f.Schema, SchemaID)
		}
		list = append(list, f)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// Known returns the finding with the signature, nil if there is none.
func (s *Store) Known(signature string) *Finding { return s.by[signature] }

// List returns the findings in the order in which they were found.
func (s *Store) List() []*Finding { return s.list }

// ScriptFile is where the script of a finding is, relative to the directory.
func (f *Finding) ScriptFile() string { return filepath.Join(ScriptsDir, f.Name+ScriptExt) }

// Add keeps a finding and its script. One with a known signature becomes a duplicate.
func (s *Store) Add(f *Finding, script *conversation.Script) error {
	if known := s.by[f.Signature]; known != nil {
		known.Duplicates += 1 + f.Duplicates
		return s.Save()
	}
	f.Script, f.Messages = f.ScriptFile(), script.Messages()
	if err := replace(filepath.Join(s.Dir, f.Script), []byte(script.Format())); err != nil {
		return err
	}
	s.list = append(s.list, f)
	s.by[f.Signature] = f
	return s.Save()
}

// Save writes findings.jsonl.
func (s *Store) Save() error {
	var b []byte
	for _, f := range s.list {
		line, err := json.Marshal(f)
		if err != nil {
			return err
		}
		b = append(append(b, line...), '\n')
	}
	return replace(filepath.Join(s.Dir, JSONLFile), b)
}

// replace writes a file at once or not at all.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(fileMode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
	}
	return err
}

// Adopt copies a capture from elsewhere to a finding that is in the store.
func (s *Store) Adopt(f *Finding, capture string) error {
	b, err := os.ReadFile(capture)
	if err != nil {
		return err
	}
	name := filepath.Join(ScriptsDir, f.Name+filepath.Ext(capture))
	if err := replace(filepath.Join(s.Dir, name), b); err != nil {
		return err
	}
	f.Capture = filepath.ToSlash(name)
	return s.Save()
}
