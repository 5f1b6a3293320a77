// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Process is what can be seen of the process of a system under test.
type Process interface {
	// Exited tells how the process ended ("exit status 2", "signal: aborted"), if it did.
	Exited() (how string, ended bool)
	// Memory is the resident memory in octets; false when it is not known.
	Memory() (int64, bool)
	// Output is what it has said since its start: its log, and what it writes when it dies.
	Output() []string
}

// Resident returns the resident memory of a process of this machine in octets.
func Resident(pid int) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// DefaultPatterns are lines of a log that say that something is badly wrong: panics and fatal
// errors of Go, sanitizers, assertions, internal errors, signals.
func DefaultPatterns() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`^panic: |^fatal error: `),
		regexp.MustCompile(`WARNING: DATA RACE`),
		regexp.MustCompile(`(Address|Memory|Leak|Thread|UndefinedBehavior)Sanitizer`),
		regexp.MustCompile(`runtime error: `),
		regexp.MustCompile(`(?i)internal error|assertion .*failed|segmentation fault|stack smashing detected|double free|(malloc|free)\(\): |corrupted (size|double)`),
	}
}

// values are what changes in a line from one death to the next.
var values = regexp.MustCompile(`0x[0-9a-fA-F]+|\b\d+\b|"[^"]*"|\[recovered\]`)

func normalise(line string) string {
	line = strings.Join(strings.Fields(values.ReplaceAllString(line, "N")), " ")
	const most = 120
	return line[:min(len(line), most)]
}

// frames of stacks: of Go, of sanitizers and of gdb.
var (
	goFrame = regexp.MustCompile(`^([\w./-]+(?:\.\(\*?\w+(?:\[\.\.\.\])?\))?(?:\.[\w.-]+)+)\(.*\)$`)
	cFrame  = regexp.MustCompile(`^\s*#\d+\s+(?:0x[0-9a-f]+\s+)?in\s+([\w:~<>*&]+)`)
)

// Death reads from a log why the process died: the first line that a pattern matches, and the
// functions below it.
func Death(output []string, patterns []*regexp.Regexp) (a Anomaly, found bool) {
	for n, line := range output {
		if !matches(patterns, line) {
			continue
		}
		return Anomaly{Kind: Crash, Rule: normalise(line), Detail: strings.TrimSpace(line), Where: stack(output[n+1:])}, true
	}
	return a, false
}

func matches(patterns []*regexp.Regexp, line string) bool {
	for _, p := range patterns {
		if p.MatchString(line) {
			return true
		}
	}
	return false
}

// maxStack is how many lines below a fault are looked at.
const maxStack = 200

// stack returns the functions of the first stack, without those that only report.
func stack(lines []string) (where []string) {
	for _, line := range lines[:min(len(lines), maxStack)] {
		line = strings.TrimRight(line, "\r")
		name := ""
		if m := goFrame.FindStringSubmatch(line); m != nil {
			name = m[1]
		} else if m := cFrame.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		if name != "" && !reporting(name) {
			where = append(where, name)
		}
		if len(where) > 0 && strings.TrimSpace(line) == "" {
			break
		}
	}
	return where
}

// reporting tells functions that are on every stack of a dying process.
func reporting(name string) bool {
	for _, prefix := range []string{"panic", "runtime.", "runtime/", "__asan", "__interceptor", "__sanitizer", "abort", "raise", "main.main"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
