// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ManifestFile lists the SHA-256 of every other file of a report, in the format of sha256sum.
const ManifestFile = "SHA256SUMS"

// maxManifest bounds what Verify takes into memory: some 100 bytes a file.
const maxManifest = 16 << 20

// Errors of Verify.
var (
	ErrNoManifest = errors.New("has no " + ManifestFile + ": it is no report, or the run did not come to its end")
	ErrManifest   = errors.New("the manifest is damaged")
)

var manifestLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *](.+)$`)

// writeManifest lists the files of the report in dir: those that a Writer writes, and all of evidence/ and findings/.
// What else is in the directory is not part of the report.
func writeManifest(dir string, w io.Writer) error {
	files, err := reportFiles(dir)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "# %s: SHA-256 of every file of this report; `%s verify DIR` or `sha256sum -c %s` checks them\n",
		generator, generator, ManifestFile); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range files {
		sum, err := hashOf(root, name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s  %s\n", sum, name); err != nil {
			return err
		}
	}
	return nil
}

// reportFiles are the files of the report in dir but the manifest, sorted, with slashes.
func reportFiles(dir string) ([]string, error) {
	var files []string
	for _, name := range writtenFiles {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && name != ManifestFile {
			files = append(files, name)
		}
	}
	for _, sub := range []string{EvidenceDir, FindingsDir} {
		if _, err := os.Lstat(filepath.Join(dir, sub)); err != nil {
			continue
		}
		found, err := regularFiles(filepath.Join(dir, sub))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if name := sub + "/" + f; !strings.ContainsAny(name, "\n\r\\") { // has no place in the format
				files = append(files, name)
			}
		}
	}
	slices.Sort(files)
	return files, nil
}

// regularFiles returns the files below dir, relative to it, with slashes.
func regularFiles(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		files = append(files, filepath.ToSlash(rel))
		return nil
	})
	return files, err
}

func hashOf(root *os.Root, name string) (string, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Verification is what became of a report since it was written.
type Verification struct {
	Files   int      // that the manifest lists
	SHA256  string   // of the manifest: whoever was told it by another way knows that the manifest is the same, too
	Missing []string // listed and not there
	Changed []string // listed and different, or no regular file any more
	Added   []string // there and not listed
}

// Whole tells whether the report is as it was written.
func (v *Verification) Whole() bool { return len(v.Missing)+len(v.Changed)+len(v.Added) == 0 }

// Verify compares the report in dir with its manifest. The error wraps ErrNoManifest, ErrManifest, or says what could not
// be read; names in the manifest that lead out of dir are damage. Nothing outside of dir is looked at.
func Verify(dir string) (*Verification, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fileError("look at", dir, err)
	}
	defer root.Close()
	sums, v, err := readManifest(root, dir)
	if err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(sums) {
		sum, err := hashOf(root, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			v.Missing = append(v.Missing, name)
		case errors.Is(err, fs.ErrPermission):
			return nil, fileError("read", filepath.Join(dir, name), err)
		case err != nil || sum != sums[name]:
			v.Changed = append(v.Changed, name)
		}
	}
	there, err := regularFiles(dir)
	if err != nil {
		return nil, fileError("look at", dir, err)
	}
	for _, name := range there {
		if _, ok := sums[name]; !ok && name != ManifestFile {
			v.Added = append(v.Added, name)
		}
	}
	return v, nil
}

func readManifest(root *os.Root, dir string) (map[string]string, *Verification, error) {
	f, err := root.Open(ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("reports: %s %w", dir, ErrNoManifest)
	}
	if err != nil {
		return nil, nil, fileError("read", filepath.Join(dir, ManifestFile), err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, nil, fileError("read", filepath.Join(dir, ManifestFile), err)
	}
	if len(b) > maxManifest {
		return nil, nil, fmt.Errorf("reports: %s: %w: more than %d bytes", dir, ErrManifest, maxManifest)
	}
	sums := make(map[string]string)
	scan := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; scan.Scan(); n++ {
		line := scan.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := manifestLine.FindStringSubmatch(line)
		if m == nil || !fs.ValidPath(m[2]) || path.Clean(m[2]) != m[2] || sums[m[2]] != "" {
			return nil, nil, fmt.Errorf("reports: %s: %w: line %d: %q", dir, ErrManifest, n, cleanLine(line, maxLine))
		}
		sums[m[2]] = m[1]
	}
	if err := scan.Err(); err != nil {
		return nil, nil, fmt.Errorf("reports: %s: %w: %w", dir, ErrManifest, err)
	}
	sum := sha256.Sum256(b)
	return sums, &Verification{Files: len(sums), SHA256: hex.EncodeToString(sum[:])}, nil
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
