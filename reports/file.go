// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// generator stands near the beginning of every file that a Writer writes; it tells our files from those of others.
	generator = "rspthreat"
	// markWithin is how far into a file the mark is looked for; the longest way to it is that of index.html.
	markWithin = 512
	// fileMode lets those who collect reports read them. Captures hold secrets of TLS sessions, never keys of identities.
	fileMode = 0o644
)

// ErrForeign is returned when a file in the report directory has a name that the Writer needs and was not written by it.
var ErrForeign = errors.New("was not written by " + generator + "; choose another directory")

// ours tells whether the file at path may be replaced: it is not there, or a Writer wrote it.
func ours(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError("look at", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s %w", path, ErrForeign)
	}
	f, err := os.Open(path)
	if err != nil {
		return fileError("look at", path, err)
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, markWithin))
	if err != nil {
		return fileError("look at", path, err)
	}
	if !bytes.Contains(head, []byte(generator)) {
		return fmt.Errorf("%s %w", path, ErrForeign)
	}
	return nil
}

// writeFile replaces the file dir/name by what write produces, at once or not at all.
func writeFile(dir, name string, write func(io.Writer) error) error {
	path := filepath.Join(dir, name)
	if err := ours(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+name+".*.tmp")
	if err != nil {
		return fileError("write", path, err)
	}
	err = fill(f, write)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return fileError("write", path, err)
	}
	return nil
}

func fill(f *os.File, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	if err := write(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Chmod(fileMode)
}

// fileError names the file that matters to the user instead of a temporary one.
func fileError(what, path string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		err = p.Err
	case errors.As(err, &l):
		err = l.Err
	}
	return fmt.Errorf("reports: %s %s: %w", what, path, err)
}
