// SPDX-License-Identifier: Apache-2.0

package command

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/capture"
	"github.com/rspthreat/rspthreat/fuzz/regression"
	"github.com/rspthreat/rspthreat/reports"
)

func newFuzzMerge() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "merge DIRECTORY...",
		Short: "Join the shards of a campaign: each finding once, with one report",
		Long: "Join the directories of shards of one campaign: their counts add up, and each finding is there once.\n\n" +
			"Exit codes: 0 nothing was found, 1 there are findings, 2 they are not shards of one campaign.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, dirs []string) error {
			m, err := campaign.Merge(out, dirs)
			if err != nil {
				return usage(err)
			}
			h, err := campaign.ReadHeader(dirs[0])
			if err != nil {
				return usage(err)
			}
			w := c.OutOrStdout()
			fmt.Fprintf(w, "%d cases with %d messages by %d shards\n", m.Cases, m.Messages, len(dirs))
			if len(m.Left) > 0 {
				fmt.Fprintf(w, "without shards %d of %d\n", m.Left, h.Shards)
			}
			covered := len(campaign.Total()) - len(m.Coverage.Missing())
			fmt.Fprintf(w, "%d of %d states and transitions\n", covered, len(campaign.Total()))
			tellFleeting(w, &m.Progress)
			tellFindings(w, m.Findings, out)
			code := 0
			if len(m.Findings) > 0 {
				code = reports.ExitViolations
			}
			r := fuzzRun{
				dir: out, subject: reports.Subject{Name: h.Subject, Security: securityName(h.Secured)}, command: fmt.Sprintf("rspthreat fuzz --seed %d", h.Seed),
				started: campaign.Begun(dirs), complete: len(m.Left) == 0, why: "shards are missing", code: code, findings: m.Findings,
			}
			if err := r.write(); err != nil {
				return &exitError{max(code, reports.ExitUnreachable), fmt.Errorf("reports: %w", err)}
			}
			if code != 0 {
				return &exitError{code: code}
			}
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", defaultFuzzOut, "`directory` for what they come to together")
	return c
}

func securityName(secured bool) string {
	if secured {
		return "secured"
	}
	return "clear"
}

func newFuzzPromote() *cobra.Command {
	var to, name string
	c := &cobra.Command{
		Use:   "promote FILE",
		Short: "Make the script of a finding a regression case",
		Long: "Copy the script of a finding to the regression cases, which go test ./fuzz/regression replays against the\n" +
			"reference: nothing may be wrong about it any more. For another system keep them where you like, and replay\n" +
			"them with rspthreat fuzz replay --sut FILE DIRECTORY/*.script.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := readScript(args[0])
			if err != nil {
				return usage(err)
			}
			if name == "" {
				name = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0]))
			}
			path, err := regression.Promote(to, name, s)
			if err != nil {
				return usage(err)
			}
			fmt.Fprintln(c.OutOrStdout(), path)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", regression.Dir, "`directory` of regression cases")
	c.Flags().StringVar(&name, "name", "", "`name` of the case (default: that of the file)")
	return c
}

func newFuzzImport() *cobra.Command {
	var out string
	var asap, enrp, udp []uint
	c := &cobra.Command{
		Use:   "import FILE.pcapng...",
		Short: "Take the messages out of captures, for a corpus",
		Long: "Take ASAP and ENRP messages out of captures (pcapng or pcap; SCTP on IP and in UDP, and TCP, reassembled) and\n" +
			"write each once to a file of a directory that rspthreat fuzz --corpus begins with.\n\n" +
			"Exit codes: 0 messages were written, 2 usage or no capture, 4 there was no message in it.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if err := os.MkdirAll(out, 0o755); err != nil {
				return usage(err)
			}
			total := 0
			for _, name := range files {
				n, err := importFile(c, name, out, capture.Options{ASAP: ports(asap), ENRP: ports(enrp), UDP: ports(udp)})
				if err != nil {
					return usage(err)
				}
				total += n
			}
			if total == 0 {
				return &exitError{reports.ExitNothingRan, errors.New("no message was found")}
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVarP(&out, "out", "o", "corpus", "`directory` for the messages")
	flags.UintSliceVar(&asap, "asap-port", nil, "`ports` that carry ASAP, beside 3863")
	flags.UintSliceVar(&enrp, "enrp-port", nil, "`ports` that carry ENRP, beside 9901")
	flags.UintSliceVar(&udp, "udp-port", nil, "UDP `ports` that carry SCTP, beside 9899")
	return c
}

func ports(list []uint) (out []uint16) {
	for _, p := range list {
		out = append(out, uint16(p))
	}
	return out
}

// importFile writes the messages of a capture and returns how many there were.
func importFile(c *cobra.Command, name, out string, o capture.Options) (int, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	r, err := capture.Read(file, o)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	for _, m := range r.Messages {
		sum := sha1.Sum(m.Payload)
		path := filepath.Join(out, hex.EncodeToString(sum[:])+campaign.CorpusExt[m.Protocol])
		if err := os.WriteFile(path, m.Payload, 0o644); err != nil {
			return 0, err
		}
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %d messages in %d packets (%d repeated, %d with gaps, %d streams of TLS)\n",
		name, len(r.Messages), r.Packets, r.Repeated, r.Lost, r.Secured)
	if len(r.Elsewhere) > 0 {
		fmt.Fprintf(c.OutOrStdout(), "left out: TCP at ports %d; --asap-port and --enrp-port say what they carry\n", r.Elsewhere)
	}
	return len(r.Messages), nil
}
