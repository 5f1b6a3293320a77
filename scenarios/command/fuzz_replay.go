// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reports"
)

func newFuzzReplay() *cobra.Command {
	var f fuzzTarget
	var times int
	var slow time.Duration
	c := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Run the scripts of findings again and say what comes of it",
		Long: "Run scripts that fuzzing has written, each against a fresh system as far as there is one.\n\n" +
			"Exit codes: 0 nothing is wrong, 1 something is, 2 usage or configuration, 3 the system could not be reached.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			scripts, err := readScripts(files)
			if err != nil {
				return usage(err)
			}
			t, _, err := f.open()
			if err != nil {
				return usage(err)
			}
			defer closeFuzzTarget(c.Context(), t)
			bed := campaign.NewBed(campaign.Options{Target: t, Patterns: monitor.DefaultPatterns(), SlowAfter: slow, MemoryGrowth: campaign.DefaultMemoryGrowth})
			defer bed.Stop()
			bad := 0
			for n, s := range scripts {
				for range times {
					if err := bed.Start(c.Context()); err != nil {
						return &exitError{reports.ExitUnreachable, err}
					}
					found, exchanges, err := bed.Try(c.Context(), s, nil, nil)
					if err != nil {
						return &exitError{reports.ExitUnreachable, err}
					}
					bad += len(found)
					tell(c.OutOrStdout(), files[n], exchanges, found)
				}
			}
			if bad > 0 {
				return &exitError{code: reports.ExitViolations}
			}
			return nil
		},
	}
	f.flags(c)
	c.Flags().IntVar(&times, "times", 1, "run each this many `times`")
	c.Flags().DurationVar(&slow, "slow", 0, "an answer that takes longer than this `duration` is wrong")
	return c
}

func readScripts(files []string) ([]*conversation.Script, error) {
	var list []*conversation.Script
	for _, name := range files {
		s, err := readScript(name)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func readScript(name string) (*conversation.Script, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s, err := conversation.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// tell prints a conversation and what is wrong about it.
func tell(w io.Writer, name string, exchanges []link.Exchange, found []monitor.Anomaly) {
	fmt.Fprintln(w, name)
	for i := range exchanges {
		e := &exchanges[i]
		for _, p := range e.Payloads {
			fmt.Fprintf(w, "  %s > %s\n", e.On, conversation.Describe(e.Caller.Protocol, e.Address.Fill(nil, p.Octets)))
		}
		for j := range e.Result.Replies {
			fmt.Fprintf(w, "  %s < %s\n", e.On, conversation.Describe(e.Caller.Protocol, e.Result.Replies[j].Raw))
		}
		switch r := &e.Result; {
		case r.Ended != nil:
			fmt.Fprintf(w, "  %s ends: %v\n", e.On, errors.Unwrap(r.Ended))
		case r.Silent:
			fmt.Fprintf(w, "  %s: no answer\n", e.On)
		}
	}
	for i := range found {
		fmt.Fprintf(w, "  %s\n", &found[i])
	}
	if len(found) == 0 {
		fmt.Fprintln(w, "  nothing is wrong")
	}
}
