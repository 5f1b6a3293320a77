// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/fuzz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func FuzzASAP(f *testing.F)        { replay(f, fuzz.FuzzASAP) }
func FuzzENRP(f *testing.F)        { replay(f, fuzz.FuzzENRP) }
func FuzzReencode(f *testing.F)    { replay(f, fuzz.FuzzReencode) }
func FuzzLeniency(f *testing.F)    { replay(f, fuzz.FuzzLeniency) }
func FuzzLayer(f *testing.F)       { replay(f, fuzz.FuzzLayer) }
func FuzzFraming(f *testing.F)     { replay(f, fuzz.FuzzFraming) }
func FuzzHandlespace(f *testing.F) { replay(f, fuzz.FuzzHandlespace) }
func FuzzRegistrar(f *testing.F)   { replay(f, fuzz.FuzzRegistrar) }
func FuzzElement(f *testing.F)     { replay(f, fuzz.FuzzElement) }
func FuzzUser(f *testing.F)        { replay(f, fuzz.FuzzUser) }
func FuzzAdapter(f *testing.F)     { replay(f, fuzz.FuzzAdapter) }
func FuzzConfig(f *testing.F)      { replay(f, fuzz.FuzzConfig) }
func FuzzResults(f *testing.F)     { replay(f, fuzz.FuzzResults) }

// replay gives a target its corpus, which all engines share, and then what "go test -fuzz" makes.
func replay(f *testing.F, target func(data []byte) int) {
	f.Helper()
	dir := filepath.Join("corpus", targets(f)[f.Name()])
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus in %s: %v", dir, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) { target(b) })
}

// targets reads the list that the scripts read too: the corpus of each target.
func targets(tb testing.TB) map[string]string {
	tb.Helper()
	text, err := os.ReadFile("targets")
	if err != nil {
		tb.Fatal(err)
	}
	list := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 {
			list[words[0]] = words[1]
		}
	}
	return list
}

func TestEveryTargetIsListed(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^func (Fuzz\w+)\(data \[\]byte\) int`).FindAllStringSubmatch(string(text), -1) {
			declared = append(declared, match[1])
		}
	}
	slices.Sort(declared)
	if listed := slices.Sorted(maps.Keys(targets(t))); !slices.Equal(listed, declared) {
		t.Errorf("file targets has %v, the package %v", listed, declared)
	}
	text, err := os.ReadFile("libfuzzer/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range declared {
		if !strings.Contains(string(text), "fuzz."+name+",") {
			t.Errorf("%s is not in libfuzzer/main.go", name)
		}
	}
}
