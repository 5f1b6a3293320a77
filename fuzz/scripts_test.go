// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// common runs bash commands with what the scripts share, and a work directory of its own.
func common(t *testing.T, work, commands string) (output string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-c", "source ./common.bash; work=$1; engine=$2; "+commands, "bash", work, "go-fuzz")
	out, err := c.CombinedOutput()
	return string(out), err
}

// crasherOutput is what go-fuzz writes about a crasher, with its values left open.
const crasherOutput = `panic: runtime error: index out of range [INDEX] with length LENGTH [recovered]

goroutine 1 [running]:
github.com/rspthreat/rspthreat/reference/wire.(*reader).header(0xINDEX, 0x12)
	/tmp/go-fuzz-build/wire/reader.go:131 +0x1a
github.com/rspthreat/rspthreat/fuzz.WHERE({0xc000, 0xINDEX, 0x4})
	/tmp/go-fuzz-build/fuzz/decode.go:31 +0x2f
`

// TestCrashersAreToldApart: values in the text of a panic make no other fault of it, functions do.
func TestCrashersAreToldApart(t *testing.T) {
	work := t.TempDir()
	dir := filepath.Join(work, "FuzzASAP", "crashers")
	for name, values := range map[string][]string{
		"first": {"INDEX", "3", "LENGTH", "2", "WHERE", "FuzzASAP"},
		"again": {"INDEX", "77", "LENGTH", "9", "WHERE", "FuzzASAP"},
		"other": {"INDEX", "3", "LENGTH", "2", "WHERE", "FuzzENRP"},
	} {
		write(t, filepath.Join(dir, name+".output"), []byte(strings.NewReplacer(values...).Replace(crasherOutput)))
	}
	out, err := common(t, work, "report FuzzASAP")
	if lines := strings.Count(out, "\n"); lines != 2 || err == nil || !strings.Contains(out, filepath.Join(dir, "other")) {
		t.Errorf("%d lines, %v: %s", lines, err, out)
	}
}

func TestNoCrasherIsNoFailure(t *testing.T) {
	if out, err := common(t, t.TempDir(), "report FuzzASAP"); err != nil || out != "" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWorkBeginsWithTheCorpus(t *testing.T) {
	work := t.TempDir()
	if out, err := common(t, work, "prepare FuzzLeniency"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile("corpus/message/A01")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(work, "FuzzLeniency", "corpus", "A01")); err != nil || string(got) != string(want) {
		t.Errorf("%x, %v", got, err)
	}
}

func TestUnknownTargetIsRefusedWithTheKnownOnes(t *testing.T) {
	out, err := common(t, t.TempDir(), "chosen FuzzNothing")
	if err == nil || !strings.Contains(out, "no target FuzzNothing") || !strings.Contains(out, "FuzzENRP") || strings.Contains(out, "FuzzResults") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestModuleOfGoFuzzIsComplete: what the targets stand on is in the nested module that go-fuzz
// builds them from.
func TestModuleOfGoFuzzIsComplete(t *testing.T) {
	c := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/rspthreat/rspthreat/fuzz")
	c.Dir = "gofuzz"
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: run go mod tidy in fuzz/gofuzz\n%.1000s", err, out)
	}
}
