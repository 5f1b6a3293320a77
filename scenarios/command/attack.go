// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
)

type attackFlags struct {
	list     bool
	targets  []string
	listen   string
	local    string
	pool     string
	element  string
	identity string
	pskFile  string
	messages int
	duration time.Duration
	patience time.Duration
	own      bool
}

// Defaults of `rspthreat attack`: enough to see an effect, and too little to hurt a system
// that was not meant.
const (
	defaultMessages = 100
	defaultDuration = 30 * time.Second
	defaultPatience = 2 * time.Second
)

func newAttack() *cobra.Command {
	var f attackFlags
	c := &cobra.Command{
		Use:   "attack NAME",
		Short: "Let one scripted attacker loose on a target that is yours",
		Long: "Let one scripted attacker loose. Targets are PROTOCOL:TRANSPORT:SECURITY:ADDRESS:PORT, such as\n" +
			"asap:tcp:tls:127.0.0.1:3864 or enrp:sctp-udp:clear:[::1]:9901. Targets outside of loopback and of\n" +
			"a network namespace of one's own are refused without --i-own-this-target.\n\n" +
			"Nothing is judged: the attacker tells what it did and what came of it. Exit code 0 when the attack\n" +
			"was made, 3 when it could not be.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.list, "list", false, "list the attackers")
	flags.StringArrayVar(&f.targets, "target", nil, "a `door` of the target; may be given several times")
	flags.StringVar(&f.listen, "listen", "", "`address:port` where the attacker waits for others")
	flags.StringVar(&f.local, "local", "", "`address` that the attacker comes from (default: the system's choice)")
	flags.StringVar(&f.pool, "pool", "EchoPool", "pool `handle` that it is about")
	flags.StringVar(&f.element, "element", "", "PE `identifier` of the element that it is about, such as 0x12345678")
	flags.StringVar(&f.identity, "identity", "", "`identity` that the attacker has or knows of")
	flags.StringVar(&f.pskFile, "psk-file", "", "`file` with the identity's key, in lines of identity:hexkey")
	flags.IntVar(&f.messages, "messages", defaultMessages, "how many messages a flooder sends at most, by door")
	flags.DurationVar(&f.duration, "for", defaultDuration, "how long an attacker waits that others come to")
	flags.DurationVar(&f.patience, "patience", defaultPatience, "how long the attacker waits for an answer")
	flags.BoolVar(&f.own, "i-own-this-target", false, "attack a target on another network: you say that you may")
	return c
}

func (f *attackFlags) run(c *cobra.Command, args []string) error {
	if f.list {
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, a := range attackers.Catalogue() {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, a.Section, a.About, a.Needs)
		}
		return w.Flush()
	}
	if len(args) == 0 {
		return usage(errors.New("which attacker? `rspthreat attack --list` shows them"))
	}
	attacker, err := attackers.Find(args[0])
	if err != nil {
		return usage(err)
	}
	order, err := f.order()
	if err != nil {
		return usage(err)
	}
	defer order.Company.Leave()
	order.Say = func(line string) { fmt.Fprintln(c.OutOrStdout(), reports.Printable(line)) }
	err = attacker.Run(c.Context(), order)
	switch {
	case errors.Is(err, attackers.ErrOrder):
		return usage(fmt.Errorf("%s needs %s: %w", attacker.Name, attacker.Needs, err))
	case err != nil:
		return &exitError{reports.ExitUnreachable, fmt.Errorf("%s: %w", attacker.Name, err)}
	}
	return nil
}

func (f *attackFlags) order() (*attackers.Order, error) {
	o := &attackers.Order{
		Pool: f.pool, Identity: f.identity, Messages: f.messages, For: f.duration,
		Site: attackers.Site{Patience: f.patience, Wire: wire.Lenient(), Company: &attackers.Company{}, Recorder: unrecorded{}},
	}
	var local netip.Addr
	var err error
	if f.local != "" {
		if local, err = netip.ParseAddr(f.local); err != nil {
			return nil, fmt.Errorf("--local: %w", err)
		}
	}
	o.Local = func() netip.Addr { return local }
	if f.element != "" {
		id, err := strconv.ParseUint(f.element, 0, 32)
		if err != nil {
			return nil, fmt.Errorf("--element: %w", err)
		}
		o.Element = wire.PEID(id)
	}
	if f.listen != "" {
		if o.Listen, err = netip.ParseAddrPort(f.listen); err != nil {
			return nil, fmt.Errorf("--listen: %w", err)
		}
	}
	if f.pskFile != "" {
		keys, err := registrar.ReadPSKFile(f.pskFile)
		if err != nil {
			return nil, err
		}
		if o.Key = keys[f.identity]; o.Key == nil {
			return nil, fmt.Errorf("--identity: %q is not in %s", f.identity, f.pskFile)
		}
	}
	if len(f.targets) == 0 && f.listen == "" {
		return nil, errors.New("--target: at least one is needed")
	}
	for _, t := range f.targets {
		door, err := parseDoor(t)
		if err != nil {
			return nil, fmt.Errorf("--target %s: %w", t, err)
		}
		if !f.own && !harmless(door.Addr.Addr()) {
			return nil, fmt.Errorf("--target %s: %w", t, errForeign)
		}
		o.Doors = append(o.Doors, door)
	}
	return o, nil
}

// unrecorded is a Recorder that keeps nothing: an attacker by itself tells what it did.
type unrecorded struct{}

func (unrecorded) Record(association.Record)   {}
func (unrecorded) Write(p []byte) (int, error) { return len(p), nil }
func (unrecorded) Message(script.Event)        {}
