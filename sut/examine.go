// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"fmt"
)

// Level says how a Finding is meant.
type Level string

// The levels of a finding.
const (
	Good    Level = "ok"
	Caution Level = "warning" // judging is possible, and worth less
	Bad     Level = "problem" // what depends on it cannot be judged
)

// Finding is one thing that was looked at before a system is judged.
type Finding struct {
	Level   Level
	Subject string // "asap tcp tls 192.0.2.1:3864, pe-alice"
	Seen    string // what was seen, in a sentence
	Advice  string // what to do; "" when there is nothing to do
}

// String is the finding in a line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s: %s", f.Subject, f.Seen)
	if f.Advice != "" {
		s += ": " + f.Advice
	}
	return s
}

// examination collects findings.
type examination struct {
	*External
	report func(Finding)
}

func (x *examination) good(subject, format string, args ...any) {
	x.report(Finding{Good, subject, fmt.Sprintf(format, args...), ""})
}

func (x *examination) find(l Level, subject, advice, format string, args ...any) {
	x.report(Finding{l, subject, x.secrets.text(fmt.Sprintf(format, args...)), advice})
}

// Examine looks at everything that judging the system needs, and reports what it finds as it
// finds it: files, permissions, clock, commands, doors with every credential, adapter. It
// judges nothing, and leaves nothing behind.
func (e *External) Examine(ctx context.Context, report func(Finding)) {
	x := &examination{e, report}
	x.clock()
	x.files()
	x.addresses()
	if e.cfg.has(Registrar) {
		if end, ok := x.started(ctx); ok {
			x.doors(ctx)
			end()
		}
	}
	x.nodes(ctx)
}

// ExamineDoors is Examine for the doors of a registrar that runs, or that an adapter starts.
func (e *External) ExamineDoors(ctx context.Context, report func(Finding)) {
	if !e.cfg.has(Registrar) {
		return
	}
	if e.cfg.Adapter != nil {
		i, err := e.Prepare(ctx, Wanted{})
		if err != nil {
			return // every check has said so
		}
		defer func() { _ = i.Close(context.WithoutCancel(ctx)) }() // the doors are what is looked at
	}
	(&examination{e, report}).doors(ctx)
}

// started has the commands and the adapter of the registrar run; end ends what an adapter did.
func (x *examination) started(ctx context.Context) (end func(), ok bool) {
	c := &x.cfg.Commands
	commanded := len(c.Start) > 0 || len(c.Reset) > 0
	if !commanded && x.cfg.Adapter == nil {
		x.good("commands", "none: rung 0, the handlespace is not reset between checks")
		return func() {}, true
	}
	i, err := x.Prepare(ctx, Wanted{})
	if err != nil {
		x.find(Bad, "registrar", "run the command or the adapter by hand in the directory of the file", "%v", err)
		return nil, false
	}
	end = func() { _ = i.Close(context.WithoutCancel(ctx)) } // the adapter itself is looked at later
	x.own(ctx, i)
	if commanded {
		x.commanded(i)
	}
	return end, true
}

// own asks a registrar for its own view.
func (x *examination) own(ctx context.Context, i *Instance) {
	const subject = "registrar's own view"
	if i.Own == nil {
		return
	}
	entries, err := i.Own.Handlespace(ctx)
	if err != nil {
		x.find(Caution, subject, "", "says nothing of the handlespace: %v", err)
		return
	}
	x.good(subject, "there are %d elements in its handlespace", len(entries))
}

// commanded looks at what the commands leave.
func (x *examination) commanded(i *Instance) {
	c := &x.cfg.Commands
	x.good("commands", "the system is started or reset")
	switch lines := i.Log(); {
	case len(lines) == 1 && unreadableLine(lines[0]):
		x.find(Caution, "log", "is the file there, and readable for this user?", "%s", lines[0])
	case len(lines) > 0 || x.cfg.LogFile != "" || len(c.Log) > 0 || c.Ready != nil:
		x.good("log", "is kept")
	default:
		x.find(Caution, "log", "give log_file or commands.log, or have start print it", "there is none, so reports have none")
	}
	for _, way := range []struct {
		name string
		have bool
	}{
		{"restart", len(c.Restart) > 0 || len(c.Start) > 0 && (len(c.Stop) > 0 || c.Ready != nil)},
		{"revoke", len(c.Revoke) > 0},
	} {
		if !way.have {
			x.find(Caution, "commands."+way.name, "", "there is none: the checks that need it are unsupported")
		}
	}
}
