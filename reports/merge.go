// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrParts is wrapped by errors about runs that are no parts of one.
var ErrParts = errors.New("are not parts of one run")

// The flags that end the command of a run in which only a part was judged.
const (
	SectionFlag     = " --section "
	RequirementFlag = " --requirement "
)

// unselected is the command of a run without its selection.
func unselected(command string) string {
	for _, flag := range []string{RequirementFlag, SectionFlag} {
		if i := strings.LastIndex(command, flag); i >= 0 {
			command = command[:i]
		}
	}
	return command
}

// Merge joins the results of partial runs on the same system, such as those of one section each. A result that is in
// several parts is the worst of them. Checks keep their order; where the ID of one is taken, it gets a number, which
// renamed tells: for each part, the new ID of a check by its old one. Whether the whole is complete, and its exit code,
// only those can tell who know what there is to be judged.
func Merge(parts []*Results) (whole *Results, renamed []map[string]string, err error) {
	if len(parts) == 0 {
		return nil, nil, fmt.Errorf("%w: there are none", ErrParts)
	}
	first := parts[0]
	out := &Results{Schema: SchemaID, Tool: first.Tool, Ledger: first.Ledger, Subject: first.Subject, Faults: first.Faults, Command: unselected(first.Command)}
	taken := map[string]bool{}
	for n, p := range parts {
		if why := strangers(first, p); why != "" {
			return nil, nil, fmt.Errorf("1 and %d %w: %s", n+1, ErrParts, why)
		}
		names := map[string]string{}
		for _, c := range p.Checks {
			id := freeID(c.ID, taken)
			taken[id], names[c.ID] = true, id
			c.ID, c.Capture = id, "" // Adopt copies it
			out.Checks = append(out.Checks, c)
		}
		renamed = append(renamed, names)
		for _, r := range p.Results {
			if r.Check != "" {
				r.Check = names[r.Check]
			}
			out.addResult(r)
		}
		out.addRun(p)
	}
	out.dropTwins(renamed)
	return out, renamed, nil
}

// dropTwins takes out the checks that ran in several parts and on which no result rests: what they judged is judged by
// their twins.
func (r *Results) dropTwins(renamed []map[string]string) {
	rests := map[string]bool{}
	for _, result := range r.Results {
		rests[result.Check] = true
	}
	twins := map[string][]string{}
	for _, names := range renamed {
		for old, id := range names {
			twins[old] = append(twins[old], id)
		}
	}
	for _, names := range renamed {
		for old, id := range names {
			if !rests[id] && slices.ContainsFunc(twins[old], func(twin string) bool { return rests[twin] }) {
				delete(names, old)
				r.Checks = slices.DeleteFunc(r.Checks, func(c Check) bool { return c.ID == id })
			}
		}
	}
}

// strangers says why two results are not of one run; empty when they may be.
func strangers(a, b *Results) string {
	for _, d := range []struct{ what, a, b string }{
		{"systems", a.Subject.Name + " " + a.Subject.Version, b.Subject.Name + " " + b.Subject.Version},
		{"configurations", a.Subject.Security + a.Subject.Config, b.Subject.Security + b.Subject.Config},
		{"documents", a.Ledger.Document + " " + a.Ledger.Version, b.Ledger.Document + " " + b.Ledger.Version},
		{"tools", a.Tool.Version + " " + a.Tool.Commit, b.Tool.Version + " " + b.Tool.Commit},
		{"faults", strings.Join(a.Faults, ","), strings.Join(b.Faults, ",")},
	} {
		if d.a != d.b {
			return "their " + d.what + " differ"
		}
	}
	return ""
}

func freeID(id string, taken map[string]bool) string {
	free := id
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-%d", id, n)
	}
	return free
}

func (r *Results) addResult(new Result) {
	i := slices.IndexFunc(r.Results, func(old Result) bool { return old.ID == new.ID })
	switch {
	case i < 0:
		r.Results = append(r.Results, new)
	case Worse(r.Results[i].Verdict, new.Verdict) != r.Results[i].Verdict:
		r.Results[i] = new
	}
}

// addRun joins what a part says about the run.
func (r *Results) addRun(p *Results) {
	if r.Started.IsZero() || p.Started.Before(r.Started) && !p.Started.IsZero() {
		r.Started = p.Started
	}
	if p.Finished.After(r.Finished) {
		r.Finished = p.Finished
	}
	r.Interrupted = join(r.Interrupted, p.Interrupted)
	if r.Proof == nil {
		r.Proof = p.Proof
	}
	for _, f := range p.Findings {
		if !slices.ContainsFunc(r.Findings, func(old Finding) bool { return old.ID == f.ID }) {
			r.Findings = append(r.Findings, f)
		}
	}
}

// Adopt copies what belongs to a part of the run from the report in another directory: the evidence of its checks, which
// have new names, what its findings name, and the ports that Wireshark has to know. The captures of checks, by their new
// IDs, are set.
func (w *Writer) Adopt(from string, renamed map[string]string, checks []Check, findings []Finding) error {
	for old, id := range renamed {
		if !safeID.MatchString(old) || !safeID.MatchString(id) {
			return fmt.Errorf("reports: %w: %q", ErrCheckID, old)
		}
		files := evidenceOf(from, old)
		if len(files) > 0 {
			if err := makeOwnDir(w.dir, EvidenceDir, id); err != nil {
				return err
			}
		}
		for _, name := range files {
			base := name[strings.LastIndexByte(name, '/')+1:]
			capture := base == old+captureExt
			if capture {
				base = id + captureExt
			}
			if err := w.copyIn(filepath.Join(from, filepath.FromSlash(name)), filepath.Join(EvidenceDir, id), base); err != nil {
				return err
			}
			if i := slices.IndexFunc(checks, func(c Check) bool { return c.ID == id }); capture && i >= 0 {
				checks[i].Capture = EvidenceDir + "/" + id + "/" + base
			}
		}
	}
	for _, f := range findings {
		for _, name := range []string{f.Reproducer, f.Capture} {
			if !isFile(name) || !strings.HasPrefix(name, FindingsDir+"/") {
				continue
			}
			dir := filepath.Dir(filepath.FromSlash(name))
			if err := makeOwnDir(w.dir, strings.Split(dir, string(filepath.Separator))...); err != nil {
				return err
			}
			if err := w.copyFinding(filepath.Join(from, filepath.FromSlash(name)), filepath.Join(w.dir, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	return w.adoptPorts(from)
}

// copyIn copies a file of our own making.
func (w *Writer) copyIn(from, dir, name string) error {
	return writeFile(filepath.Join(w.dir, dir), name, func(out io.Writer) error { return copyFile(out, from) })
}

// copyFinding copies a file that carries no mark of ours, unless it is there: those of one finding are alike.
func (w *Writer) copyFinding(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fileError("write", to, err)
	}
	if err := errors.Join(copyFile(f, from), f.Close()); err != nil {
		return fileError("write", to, err)
	}
	return nil
}

func copyFile(out io.Writer, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

// A line of rspthreat.lua that tells a port.
var (
	luaPort = regexp.MustCompile(`(?m)^(clear|secured)\(([0-9]{1,5}), "(asap|enrp)"\)$`)
	luaUDP  = regexp.MustCompile(`(?m)^DissectorTable\.get\("udp\.port"\):add\(([0-9]{1,5}), sctp\)$`)
)

// adoptPorts reads the ports from the rspthreat.lua of another report. Without one there are none.
func (w *Writer) adoptPorts(from string) error {
	b, err := os.ReadFile(filepath.Join(from, LuaFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError("read", filepath.Join(from, LuaFile), err)
	}
	for _, m := range luaPort.FindAllStringSubmatch(string(b), -1) {
		n, err := strconv.ParseUint(m[2], 10, 16)
		if err != nil {
			continue
		}
		table := w.ports.clear
		if m[1] == "secured" {
			table = w.ports.secured
		}
		table[uint16(n)] = m[3]
	}
	for _, m := range luaUDP.FindAllStringSubmatch(string(b), -1) {
		if n, err := strconv.ParseUint(m[1], 10, 16); err == nil {
			w.ports.udp[uint16(n)] = true
		}
	}
	return nil
}

// Load reads the results of a report: a directory that holds results.json, or that file.
func Load(path string) (*Results, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, ResultsFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("read", path, err)
	}
	defer f.Close()
	r, err := ReadResults(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
