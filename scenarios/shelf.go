// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/onsi/ginkgo/v2"

	"github.com/rspthreat/rspthreat/reports"
)

// shelf is where the processes of a parallel suite leave the results of their checks for
// the one that sums them up.
type shelf struct{ dir string }

// newShelf returns the shelf of this run, nil when there is but one process. All processes
// make up the same name, which differs between runs on one machine by the seed and the
// address of ginkgo's own server. clear removes it when the suite has ended.
func newShelf() *shelf {
	config, _ := ginkgo.GinkgoConfiguration()
	if config.ParallelTotal < 2 {
		return nil
	}
	name := fmt.Sprintf("rspthreat-suite-%d-%s", config.RandomSeed, filepath.Base(config.ParallelHost))
	return &shelf{dir: filepath.Join(os.TempDir(), name)}
}

// clear removes the shelf.
func (s *shelf) clear() {
	if s != nil {
		_ = os.RemoveAll(s.dir) // what remains is in the directory for temporary files
	}
}

// put leaves the results of a check.
func (s *shelf) put(check string, results []reports.Result) error {
	if s == nil {
		return nil
	}
	b, err := json.Marshal(results)
	if err != nil {
		return fmt.Errorf("results of %s: %w", check, err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("results of %s: %w", check, err)
	}
	// Others may look at any time, so it is there whole or not at all.
	f, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return fmt.Errorf("results of %s: %w", check, err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("results of %s: %w", check, err)
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, check+".json"))
}

// take returns what put left, in whichever process.
func (s *shelf) take(check string) ([]reports.Result, bool) {
	if s == nil {
		return nil, false
	}
	b, err := os.ReadFile(filepath.Join(s.dir, check+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	var results []reports.Result
	return results, err == nil && json.Unmarshal(b, &results) == nil
}
