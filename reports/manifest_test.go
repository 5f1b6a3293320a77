// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func verify(t *testing.T, dir string) *Verification {
	t.Helper()
	v, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReportIsWholeAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, FindingsDir, "crash-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, FindingsDir, "crash-1", "input.bin"), "x")
	writeRun(t, dir)
	v := verify(t, dir)
	if !v.Whole() || v.Files != len(writtenFiles)-1+8+1 || len(v.SHA256) != 64 {
		t.Errorf("%+v", v)
	}
	// An independent program agrees.
	cmd := exec.Command("sha256sum", "--check", "--strict", "--quiet", ManifestFile)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestVerifyTellsWhatBecameOfAReport(t *testing.T) {
	const check = "2.1-unauthenticated-registration"
	log := EvidenceDir + "/" + check + "/" + LogFile
	for _, row := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   Verification
	}{
		{"a missing file", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, log)) }, Verification{Missing: []string{log}}},
		{"a missing directory", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, EvidenceDir)); err != nil {
				t.Fatal(err)
			}
		}, Verification{Missing: evidenceNames(check)}},
		{"a changed file", func(t *testing.T, dir string) { put(t, filepath.Join(dir, JUnitFile), "rspthreat") }, Verification{Changed: []string{JUnitFile}}},
		{"an added file", func(t *testing.T, dir string) { put(t, filepath.Join(dir, EvidenceDir, "x"), "") }, Verification{Added: []string{EvidenceDir + "/x"}}},
		{"a link in place of a file", func(t *testing.T, dir string) {
			path := filepath.Join(dir, JUnitFile)
			if err := errors.Join(os.Rename(path, dir+".moved"), os.Symlink(dir+".moved", path)); err != nil {
				t.Fatal(err)
			}
		}, Verification{Changed: []string{JUnitFile}}},
		{"a directory in place of a file", func(t *testing.T, dir string) {
			path := filepath.Join(dir, JUnitFile)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
		}, Verification{Changed: []string{JUnitFile}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "report")
			writeRun(t, dir)
			whole := verify(t, dir)
			row.change(t, dir)
			got := verify(t, dir)
			row.want.Files, row.want.SHA256 = whole.Files, whole.SHA256
			if d := cmp.Diff(&row.want, got); d != "" || got.Whole() {
				t.Error(d)
			}
		})
	}
}

func evidenceNames(check string) []string {
	var out []string
	for _, name := range evidenceFiles(check) {
		out = append(out, EvidenceDir+"/"+check+"/"+name)
	}
	slices.Sort(out)
	return out
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A manifest of somebody else's making must not lead out of the directory, nor say two things about one file.
func TestDamagedManifestsAreRefused(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for name, content := range map[string]string{
		"parent": sum + "  ../secret\n", "absolute": sum + "  /etc/passwd\n", "unclean": sum + "  a//b\n", "dot": sum + "  ./a\n",
		"twice": sum + "  a\n" + sum + "  a\n", "no hash": "abc  a\n", "no name": sum + "\n", "binary": "\x00\xff\x1b[2J\n",
		"endless line": strings.Repeat("x", 1<<20),
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, ManifestFile), content)
		_, err := Verify(dir)
		if !errors.Is(err, ErrManifest) {
			t.Errorf("%s: error %v", name, err)
		} else if strings.ContainsAny(err.Error(), "\x00\x1b") {
			t.Errorf("%s: the error repaints the terminal", name)
		}
	}
	if _, err := Verify(t.TempDir()); !errors.Is(err, ErrNoManifest) {
		t.Errorf("without a manifest: %v", err)
	}
	if _, err := Verify(filepath.Join(t.TempDir(), "x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}
