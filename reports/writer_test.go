// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newWriter(t *testing.T, dir string) *Writer {
	t.Helper()
	w, err := NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// evidencePath is where the capture of a check is.
func evidencePath(check string) string { return EvidenceDir + "/" + check + "/" + check + captureExt }

// writeRun writes a whole run into dir.
func writeRun(t *testing.T, dir string) {
	t.Helper()
	w, r := newWriter(t, dir), everyVerdict(t)
	r.Checks[0].Command = "rspthreat run --requirement T2.1-R1"
	if err := w.AddCheck(&r.Checks[0], clearCapture(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(r); err != nil {
		t.Fatal(err)
	}
}

func TestWriterWritesEveryReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	writeRun(t, dir)
	want := append([]string{EvidenceDir}, writtenFiles...)
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f, err := os.Open(filepath.Join(dir, ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ReadResults(f)
	if err != nil {
		t.Fatal(err)
	}
	const check = "2.1-unauthenticated-registration"
	want = []string{check + ".pcapng", AfterFile, BeforeFile, MessagesFile, RepeatFile, LogFile, TimelineFile, KeyLogFile}
	slices.Sort(want)
	if got := names(t, filepath.Join(dir, EvidenceDir, check)); !slices.Equal(got, want) {
		t.Errorf("evidence %q, want %q", got, want)
	}
	if r.Checks[0].Capture != evidencePath(check) {
		t.Errorf("results.json names the capture %q", r.Checks[0].Capture)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != fileMode {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestFinishAgainReplacesTheReports(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, dir)
	for _, name := range []string{"first run", "second run"} {
		if err := w.Finish(&Results{Subject: Subject{Name: name}}); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{ResultsFile, JUnitFile, HTMLFile} {
			if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(b), name) {
				t.Errorf("%s does not show the %s: %v", file, name, err)
			}
		}
	}
}

func TestCaptureIsThereBeforeTheRunEnds(t *testing.T) {
	dir, c := t.TempDir(), spoofCheck(t)
	if err := newWriter(t, dir).AddCheck(&c, clearCapture(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, c.Capture)); err != nil || c.Capture != evidencePath(c.ID) {
		t.Errorf("check names %q: %v", c.Capture, err)
	}
}

func TestCheckWithoutFramesHasNoCapture(t *testing.T) {
	dir, c := t.TempDir(), spoofCheck(t)
	w := newWriter(t, dir)
	for _, capture := range []*Capture{nil, {KeyLog: []byte("x")}} {
		if err := w.AddCheck(&c, capture); err != nil || c.Capture != "" || slices.Contains(names(t, filepath.Join(dir, EvidenceDir, c.ID)), c.ID+captureExt) {
			t.Errorf("error %v, capture %q", err, c.Capture)
		}
	}
}

func TestUnsafeCheckIDsAreRefused(t *testing.T) {
	w := newWriter(t, t.TempDir())
	for _, id := range []string{"", "../up", "a/b", ".hidden", "-flag", "a b", "a\x00", strings.Repeat("a", 101)} {
		if err := w.AddCheck(&Check{ID: id}, clearCapture(t)); !errors.Is(err, ErrCheckID) {
			t.Errorf("%q: error %v", id, err)
		}
	}
}

func TestNewRunRemovesTheOldOneAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	writeRun(t, dir)
	old := filepath.Join(dir, evidencePath("2.1-unauthenticated-registration"))
	capture, err := os.ReadFile(old)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "kept by hand.pcapng"), string(capture))
	put(t, filepath.Join(dir, "notes.txt"), "rspthreat: mine")
	put(t, filepath.Join(filepath.Dir(old), "my notes"), "rspthreat: mine")
	put(t, filepath.Join(filepath.Dir(old), LogFile), "another tool's")
	newWriter(t, dir)
	if got, want := names(t, dir), []string{EvidenceDir, "kept by hand.pcapng", "notes.txt"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := names(t, filepath.Dir(old)), []string{"my notes", LogFile}; !slices.Equal(got, want) {
		t.Errorf("evidence: got %q, want %q", got, want)
	}
	for _, name := range []string{"my notes", LogFile} {
		if err := os.Remove(filepath.Join(filepath.Dir(old), name)); err != nil {
			t.Fatal(err)
		}
	}
	writeRun(t, dir)
	newWriter(t, dir)
	if got, want := names(t, dir), []string{"kept by hand.pcapng", "notes.txt"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOldResultsCannotPointTheRemovalElsewhere(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "out")
	writeRun(t, dir)
	capture, err := os.ReadFile(filepath.Join(dir, evidencePath("2.1-unauthenticated-registration")))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(top, "outside.pcapng"), string(capture))
	put(t, filepath.Join(dir, "theirs.pcapng"), "another tool's")
	put(t, filepath.Join(dir, ResultsFile), `{"schema": "`+SchemaID+`", "checks": [
		{"capture": "../outside.pcapng"}, {"capture": "theirs.pcapng"}, {"capture": "`+top+`/outside.pcapng"}, {"capture": ""}]}`)
	newWriter(t, dir)
	for _, path := range []string{filepath.Join(top, "outside.pcapng"), filepath.Join(dir, "theirs.pcapng")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesOfOthersAreNotTouched(t *testing.T) {
	for _, name := range writtenFiles {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			writeRun(t, dir)
			before := names(t, dir)
			put(t, filepath.Join(dir, name), "somebody else's")
			_, err := NewWriter(dir)
			if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
				t.Errorf("error %v", err)
			}
			if got := names(t, dir); !slices.Equal(got, before) {
				t.Errorf("left %q of %q", got, before)
			}
		})
	}
	t.Run("symbolic link", func(t *testing.T) {
		dir := t.TempDir()
		elsewhere := filepath.Join(t.TempDir(), HTMLFile)
		put(t, elsewhere, "rspthreat")
		if err := os.Symlink(elsewhere, filepath.Join(dir, HTMLFile)); err != nil {
			t.Fatal(err)
		}
		if _, err := NewWriter(dir); !errors.Is(err, ErrForeign) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("capture", func(t *testing.T) {
		dir, c := t.TempDir(), spoofCheck(t)
		if err := os.MkdirAll(filepath.Join(dir, EvidenceDir, c.ID), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, evidencePath(c.ID)), "somebody else's")
		if err := newWriter(t, dir).AddCheck(&c, clearCapture(t)); !errors.Is(err, ErrForeign) || c.Capture != "" {
			t.Errorf("error %v, capture %q", err, c.Capture)
		}
	})
}

func TestUnwritableDirectoryIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	w := newWriter(t, dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	want := "reports: write " + filepath.Join(dir, ResultsFile) + ": no such file or directory"
	if err := w.Finish(everyVerdict(t)); !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	put(t, dir, "a file")
	if _, err := NewWriter(dir); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

func TestFailedWriteKeepsTheOldFileAndLeavesNoLitter(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "x"), "rspthreat old")
	broken := errors.New("broken")
	err := writeFile(dir, "x", func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || !slices.Equal(names(t, dir), []string{"x"}) {
		t.Errorf("error %v, directory %q", err, names(t, dir))
	}
	if b, err := os.ReadFile(filepath.Join(dir, "x")); err != nil || string(b) != "rspthreat old" {
		t.Errorf("%q, %v", b, err)
	}
}

// fullDisk is set in the process that TestFullDisk starts, to the directory to write to.
const fullDisk = "RSPTHREAT_TEST_FULL_DISK"

// A limit on the size of files fails in the middle of a write, as a full disk does, and needs no privileges.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(fullDisk); dir != "" {
		onFullDisk(t, dir)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.count=1")
	cmd.Env = append(os.Environ(), fullDisk+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func onFullDisk(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	const space = 12 << 10 // between the sizes of junit.xml and index.html
	limit := syscall.Rlimit{Cur: space, Max: space}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	err := newWriter(t, dir).Finish(everyVerdict(t))
	want := "reports: write " + filepath.Join(dir, ResultsFile) + ": file too large"
	if !errors.Is(err, syscall.EFBIG) || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	err = writeFile(dir, "last byte", func(w io.Writer) error {
		_, err := w.Write(make([]byte, space))
		return errors.Join(err, second(w.Write([]byte{1})))
	})
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("a file one byte too long: error %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{ManifestFile, JUnitFile, LuaFile, SummaryFile}) {
		t.Errorf("directory holds %q: what fits must be there, whole, and nothing else", got)
	}
}

func second(_ int, err error) error { return err }
