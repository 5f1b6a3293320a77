// SPDX-License-Identifier: Apache-2.0

// Package regression keeps the scripts of faults that fuzzing found and that were mended. Each
// is replayed against the reference: nothing may be wrong about it any more.
package regression

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
)

// Dir is where the cases are, from the root of the repository.
const Dir = "fuzz/regression/cases"

// ErrName says that a case cannot have that name.
var ErrName = errors.New("a name has letters, digits and hyphens")

var safe = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,100}$`)

// Promote writes a script as the regression case with the name and returns where it is. A case
// that is there already stays as it is.
func Promote(dir, name string, s *conversation.Script) (string, error) {
	if !safe.MatchString(name) {
		return "", fmt.Errorf("%w: %q", ErrName, name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+finding.ScriptExt)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(s.Format())
	return path, errors.Join(err, f.Close())
}

// Cases returns the files of a directory of cases.
func Cases(dir string) ([]string, error) {
	return filepath.Glob(filepath.Join(dir, "*"+finding.ScriptExt))
}
