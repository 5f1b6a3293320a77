// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLogFileIsReadFromTheMark: what the system logged before a check is not its log.
func TestLogFileIsReadFromTheMark(t *testing.T) {
	for _, row := range []struct {
		name   string
		before string // "" is no file
		change func(t *testing.T, path string)
		want   []string
	}{
		{"nothing new", "old\n", func(*testing.T, string) {}, nil},
		{"lines added", "old\n", func(t *testing.T, path string) { put(t, path, "old\nnew\n") }, []string{"new"}},
		{"truncated", "old line\n", func(t *testing.T, path string) { put(t, path, "new\n") }, []string{"new"}},
		{"rotated, and longer already", "old\n", func(t *testing.T, path string) {
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			put(t, path, "first\nsecond\n")
		}, []string{"first", "second"}},
		{"made later", "", func(t *testing.T, path string) { put(t, path, "first\n") }, []string{"first"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sut.log")
			if row.before != "" {
				put(t, path, row.before)
			}
			c := &commands{file: path}
			from := c.position()
			row.change(t, path)
			if got := c.logged(t.Context(), from); !slices.Equal(got, row.want) {
				t.Errorf("lines %q, want %q", got, row.want)
			}
		})
	}
}

func TestLongLogFileSaysThatLinesAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sut.log")
	put(t, path, strings.Repeat("a line\n", maxLogBytes/4))
	got := tail(path, nil)
	if got[0] != "(earlier lines left out)" || got[1] != "a line" || got[len(got)-1] != "a line" {
		t.Errorf("first %q, second %q, last %q", got[0], got[1], got[len(got)-1])
	}
}

func TestMissingLogFileIsSaidInALine(t *testing.T) {
	got := tail(filepath.Join(t.TempDir(), "none.log"), nil)
	if len(got) != 1 || !strings.Contains(got[0], "not readable") || !strings.Contains(got[0], "none.log") {
		t.Errorf("lines %q", got)
	}
}
