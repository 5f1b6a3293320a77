// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// running tells whether the process whose number stands in a file is there.
func running(t *testing.T, path string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// ready is a command that runs on and says when it can be used.
func ready(line, script string) CommandConfig {
	return CommandConfig{Start: []string{"sh", "-c", script}, Ready: &ReadyConfig{Log: line, Timeout: "10s"}}
}

// A system that start is itself runs until the end, with the children that it has.
func TestSystemThatRunsOnEndsWithTheRun(t *testing.T) {
	dir := t.TempDir()
	c := &commands{dir: dir, CommandConfig: ready("^ready", "echo $$ > system; sleep 300 & echo $! > child; echo ready now; wait")}
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.logged(t.Context(), position{}); !slices.Equal(got, []string{"ready now"}) {
		t.Errorf("log %q", got)
	}
	for _, name := range []string{"system", "child"} {
		if !running(t, filepath.Join(dir, name)) {
			t.Errorf("the %s does not run", name)
		}
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"system", "child"} {
		if running(t, filepath.Join(dir, name)) {
			t.Errorf("the %s still runs", name)
		}
	}
}

// A daemon in the process group of its command ends with the run; one that has left it is
// somebody else's, as is one that was there before.
func TestOnlyWhatWasStartedEnds(t *testing.T) {
	dir := t.TempDir()
	c := &commands{dir: dir, CommandConfig: CommandConfig{Start: []string{
		"sh", "-c", "sleep 300 & echo $! > inside; setsid sh -c 'echo $$ > outside; exec sleep 300' & while ! test -s outside; do :; done",
	}}}
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if running(t, filepath.Join(dir, "inside")) {
		t.Error("what start has left in its group still runs")
	}
	if !running(t, filepath.Join(dir, "outside")) {
		t.Error("what has left the group was ended")
	}
	text, err := os.ReadFile(filepath.Join(dir, "outside"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}

func TestSystemThatEndsByItselfIsNotJudged(t *testing.T) {
	dir := t.TempDir()
	pipe(t, dir, "gate")
	c := &commands{dir: dir, CommandConfig: ready("ready", "echo ready; read line < gate; echo out of memory; exit 9")}
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "gate"), "\n")
	<-c.system.exited
	err := c.prepare(t.Context())
	if err == nil || !strings.Contains(err.Error(), "ended by itself (exit status 9): out of memory") {
		t.Errorf("error %v", err)
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFreshSystemForEachCheck(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: ready("ready", "echo start >> trace; echo ready; exec sleep 300")}
	c.Fresh = true
	for range 2 {
		if err := c.prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.restart(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if got := trace(t, c.dir); !slices.Equal(got, []string{"start", "start", "start"}) {
		t.Errorf("commands %q", got)
	}
}

func TestSystemIsReadyWhenEverythingSaysSo(t *testing.T) {
	dir := t.TempDir()
	c := &commands{dir: dir, file: filepath.Join(dir, "system.log"), CommandConfig: CommandConfig{
		Start: []string{"sh", "-c", "echo now >> system.log; sleep 0.3; touch up; exec sleep 300"},
		Ready: &ReadyConfig{Log: "now", Command: []string{"test", "-e", "up"}, Timeout: "10s"},
	}}
	put(t, c.file, "now, yesterday\n")
	began := time.Now()
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if time.Since(began) < 300*time.Millisecond {
		t.Error("it was not waited for")
	}
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
	c.Ready = &ReadyConfig{Command: []string{"false"}, Timeout: "300ms"}
	if err := c.prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "command ready (false)") {
		t.Errorf("error %v", err)
	}
	if c.system != nil {
		t.Error("what was never ready still runs")
	}
}
