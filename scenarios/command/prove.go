// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/scenarios/proof"
	"github.com/rspthreat/rspthreat/sut"
)

func newProve() *cobra.Command {
	var names []string
	c := &cobra.Command{
		Use: "prove", Short: "Prove that the checks can fail: judge the reference with each of its faults",
		Long: "Judge the embedded reference without faults, which must meet every requirement, and with each of\n" +
			"its faults, which must violate exactly the requirements that it says. Prints the kill matrix, a line\n" +
			"for each fault, and what departs from the claim. Exit code 0 when nothing does, 1 when something does.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return prove(c, names) },
	}
	c.Flags().StringSliceVar(&names, "fault", nil, "only these `faults`")
	return c
}

// proven is what judging the reference with one fault came to.
type proven struct {
	fault      reports.ProvenFault
	departures []proof.Finding
	err        error
	done       chan struct{}
}

// faultsAtOnce is how many references are judged side by side, each by proof.AtOnce checks
// at once, which wait more than they compute.
const faultsAtOnce = 4

// errUnproven ends a proof that did not come out; what departed has been printed.
var errUnproven = errors.New("the proof did not come out")

func prove(c *cobra.Command, names []string) error {
	ctx, out := c.Context(), c.OutOrStdout()
	l, err := ledger.Load()
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	faults, err := sut.FindFaults(names...)
	if err != nil {
		return usage(err)
	}
	departed := 0
	say := func(name, sentence string, departures []proof.Finding) {
		fmt.Fprintf(out, "%-36s %s\n", name, sentence)
		for _, d := range departures {
			departed++
			fmt.Fprintf(out, "%-36s DEPARTS: %s\n", "", d)
		}
	}
	if len(faults) == 0 {
		faults = sut.Faults()
		departures, err := proof.Reference(ctx, l)
		if err != nil {
			return &exitError{reports.ExitUnreachable, err}
		}
		say("(no fault)", "the reference meets every requirement that is judged", departures)
	}
	outcomes := make([]proven, len(faults))
	for i := range outcomes {
		outcomes[i].done = make(chan struct{})
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	places := make(chan struct{}, faultsAtOnce)
	running.Go(func() {
		for i := range faults {
			places <- struct{}{}
			running.Go(func() {
				o := &outcomes[i]
				o.fault, o.departures, o.err = proof.Prove(ctx, l, faults[i])
				<-places
				close(o.done)
			})
		}
	})
	for i := range outcomes { // in the order of the names, whichever is done first
		o := &outcomes[i]
		<-o.done
		if err := cmp.Or(o.err, ctx.Err()); err != nil {
			return &exitError{reports.ExitUnreachable, err}
		}
		say(o.fault.Name, proof.Sentence(o.fault), o.departures)
	}
	if departed > 0 {
		return &exitError{reports.ExitViolations, fmt.Errorf("%w: %d departures", errUnproven, departed)}
	}
	return nil
}
