// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// EvidenceDir holds a directory for each check: DIR/evidence/<check id>.
const EvidenceDir = "evidence"

// Files of the directory of a check. The capture is named after the check, so that it keeps its name wherever it is sent.
const (
	KeyLogFile   = "tls-keys.log"           // NSS key log: what the capture holds inside, for other tools
	MessagesFile = "messages.jsonl"         // every message that an actor saw, a JSON object a line
	TimelineFile = "timeline.txt"           // the steps
	BeforeFile   = "handlespace-before.txt" // an element a line
	AfterFile    = "handlespace-after.txt"
	LogFile      = "system.log" // what the system under test logged meanwhile
	RepeatFile   = "repeat.sh"  // the command that repeats the check
)

// evidenceFiles are the names that a Writer gives to files of the directory of a check.
func evidenceFiles(id string) []string {
	return []string{id + captureExt, KeyLogFile, MessagesFile, TimelineFile, BeforeFile, AfterFile, LogFile, RepeatFile}
}

// writeEvidence writes the directory of one check, and names the capture in it.
func writeEvidence(dir string, check *Check, c *Capture) error {
	at := filepath.Join(dir, EvidenceDir, check.ID)
	if err := makeOwnDir(dir, EvidenceDir, check.ID); err != nil {
		return err
	}
	put := func(name string, write func(io.Writer) error) error { return writeFile(at, name, write) }
	if c != nil && len(c.Frames) > 0 {
		name := check.ID + captureExt
		path := EvidenceDir + "/" + check.ID + "/" + name
		if err := put(name, func(out io.Writer) error { return writeCapture(out, path, check, c) }); err != nil {
			return err
		}
		check.Capture = path
		if len(c.KeyLog) > 0 {
			err := put(KeyLogFile, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "# %s: TLS secrets of check %s\n%s", generator, check.ID, c.KeyLog)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	for _, f := range []struct {
		name  string
		empty bool
		write func(io.Writer) error
	}{
		{MessagesFile, len(check.Messages) == 0, func(out io.Writer) error { return writeMessages(out, check) }},
		{TimelineFile, len(check.Steps) == 0, func(out io.Writer) error { return writeTimeline(out, check) }},
		{BeforeFile, check.Before == nil && check.After == nil, writeLines(check, "handlespace before the attack", check.Before)},
		{AfterFile, check.Before == nil && check.After == nil, writeLines(check, "handlespace after the attack", check.After)},
		{LogFile, len(check.Log) == 0, writeLines(check, "log of the system under test", check.Log)},
		{RepeatFile, check.Command == "", func(out io.Writer) error {
			_, err := fmt.Fprintf(out, "#!/bin/sh\n# %s: repeats check %s\n%s\n", generator, check.ID, cleanLine(check.Command, maxLine))
			return err
		}},
	} {
		if f.empty {
			continue
		}
		if err := put(f.name, f.write); err != nil {
			return err
		}
	}
	return nil
}

// writeMessages writes all messages of a check, those too that the other reports leave out.
func writeMessages(w io.Writer, check *Check) error {
	e := json.NewEncoder(w)
	if err := e.Encode(map[string]string{"generator": generator, "check": check.ID}); err != nil {
		return err
	}
	for i := range check.Messages {
		m := cleanMessage(check.Messages[i])
		m.Fields = nil // results.json has them, and the capture more
		if err := e.Encode(m); err != nil {
			return err
		}
	}
	return nil
}

func writeTimeline(w io.Writer, check *Check) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s: timeline of check %s, %s\n", generator, check.ID, cleanLine(check.Title, maxLine))
	for i, s := range check.Steps {
		fmt.Fprintf(b, "%s  step %d  %-8s  %8s  %-13s %s\n", s.Started.UTC().Format(time.RFC3339Nano), i+1, s.Kind,
			shortDuration(s.Duration), s.Verdict, cleanLine(s.Title, maxLine))
		if s.Outcome != "" {
			fmt.Fprintf(b, "    %s\n", cleanLine(s.Outcome, maxLine))
		}
	}
	return b.Flush()
}

func writeLines(check *Check, what string, lines []string) func(io.Writer) error {
	return func(w io.Writer) error {
		b := bufio.NewWriter(w)
		fmt.Fprintf(b, "# %s: %s, check %s\n", generator, what, check.ID)
		for _, l := range lines {
			fmt.Fprintln(b, cleanLine(l, maxLine))
		}
		return b.Flush()
	}
}

// makeOwnDir makes dir/parts... and refuses links on the way, which would lead the evidence elsewhere.
func makeOwnDir(dir string, parts ...string) error {
	for _, p := range parts {
		dir = filepath.Join(dir, p)
		if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
			return fileError("make", dir, err)
		}
		info, err := os.Lstat(dir)
		if err != nil {
			return fileError("look at", dir, err)
		}
		if !info.IsDir() {
			return fmt.Errorf("reports: %s %w", dir, ErrForeign)
		}
	}
	return nil
}

// oldEvidence returns the files below dir/evidence that a Writer wrote in an earlier run, and their directories, which
// are to be removed when nothing else is in them, the inner ones first.
func oldEvidence(dir string) (files, dirs []string) {
	top := filepath.Join(dir, EvidenceDir)
	if info, err := os.Lstat(top); err != nil || !info.IsDir() {
		return nil, nil
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		return nil, nil
	}
	for _, e := range entries {
		if !e.IsDir() || !safeID.MatchString(e.Name()) {
			continue
		}
		for _, name := range evidenceFiles(e.Name()) {
			name = filepath.Join(EvidenceDir, e.Name(), name)
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && ours(filepath.Join(dir, name)) == nil {
				files = append(files, name)
			}
		}
		dirs = append(dirs, filepath.Join(EvidenceDir, e.Name()))
	}
	return files, append(dirs, EvidenceDir)
}

// evidenceOf returns the evidence of a check that is in dir, in the order of evidenceFiles, relative to dir.
func evidenceOf(dir, id string) []string {
	if !safeID.MatchString(id) {
		return nil
	}
	var out []string
	for _, name := range evidenceFiles(id) {
		name = EvidenceDir + "/" + id + "/" + name
		if info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && info.Mode().IsRegular() {
			out = append(out, name)
		}
	}
	return out
}
