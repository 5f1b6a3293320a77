// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/fuzz/triage"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/sut"
)

// TestTargetsThatMisbehave: whatever the system does once it has got the message that it does not
// take well, the campaign comes to an end and tells what it was.
func TestTargetsThatMisbehave(t *testing.T) {
	for turn, kinds := range map[string]string{
		"hang": "hang", "close": "refused", "garbage": "garbage refused hang", "flood": "flood", "gone": "crash",
	} {
		t.Run(turn, func(t *testing.T) {
			t.Parallel()
			x := &tolerant{transport: association.TCP, turn: turn, response: time.Second}
			defer x.Close(context.Background())
			dir := t.TempDir()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			s, err := campaign.Run(ctx, campaign.Options{
				Target: x, Dir: dir, Seed: 1, Cases: 4000, Effort: triage.Effort{Trials: 200, Time: 10 * time.Second},
				Found: func(*finding.Finding) {
					if turn != "gone" {
						stop()
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if turn == "gone" {
				if s.Why != campaign.WhyGone || !errors.Is(s.Failure, sut.ErrUnreachable) {
					t.Errorf("it ended because %s: %v", s.Why, s.Failure)
				}
			}
			if len(s.Findings) == 0 || !strings.Contains(kinds, s.Findings[0].Kind) {
				t.Fatalf("%d cases, %s: findings %v, want %s", s.Cases, s.Why, s.Findings, kinds)
			}
			kept, err := finding.Read(filepath.Join(dir, finding.JSONLFile))
			if err != nil || len(kept) != len(s.Findings) {
				t.Errorf("%d findings on disk, %v", len(kept), err)
			}
		})
	}
}

// TestWhatDoesNotComeAboutAgainIsToldAndNoFinding, and survives resumption and merging.
func TestWhatDoesNotComeAboutAgainIsToldAndNoFinding(t *testing.T) {
	t.Parallel()
	x := &tolerant{transport: association.TCP, turn: "once", response: time.Second}
	defer x.Close(context.Background())
	dir := t.TempDir()
	o := campaign.Options{Target: x, Dir: dir, Seed: 1, Cases: 2000, Effort: triage.Effort{Trials: 50, Time: 10 * time.Second}}
	s := run(t, o)
	const what = "hang: an honest question is not answered"
	if len(s.Findings) != 0 || s.Transient == 0 || s.Fleeting[what] != s.Transient {
		t.Errorf("findings %v, %d anomalies that did not come about again: %v", s.Findings, s.Transient, s.Fleeting)
	}
	if journal, err := os.ReadFile(filepath.Join(dir, campaign.JournalFile)); err != nil || strings.Count(string(journal), `{"fleeting":{"what":"`+what) != s.Transient {
		t.Errorf("the journal does not have each of them, %v", err)
	}
	o.Resume, o.Cases = true, 2064
	if more := run(t, o); more.Fleeting[what] != s.Transient {
		t.Errorf("after resumption: %v", more.Fleeting)
	}
	if m, err := campaign.Merge(t.TempDir(), []string{dir}); err != nil || m.Fleeting[what] != s.Transient {
		t.Errorf("merged: %+v, %v", m, err)
	}
}

// TestTargetThatDiesAgainAndAgainEndsTheCampaign with what was found.
func TestTargetThatDiesAgainAndAgainEndsTheCampaign(t *testing.T) {
	t.Parallel()
	x := &tolerant{transport: association.TCP, turn: "die", response: time.Second}
	defer x.Close(context.Background())
	s := run(t, campaign.Options{Target: x, Seed: 1, Cases: 100_000, MaxDeaths: 3, Effort: triage.Effort{Trials: 50, Time: 5 * time.Second}})
	if s.Why != campaign.WhyDying || len(s.Findings) == 0 || s.Deaths != 3 {
		t.Errorf("%s after %d cases and %d deaths: %v", s.Why, s.Cases, s.Deaths, s.Findings)
	}
}

// external is a system that a configuration describes, at a port of this host.
func external(t *testing.T, at netip.AddrPort) target.Target {
	t.Helper()
	c, err := sut.ParseConfig(fmt.Appendf(nil, "version: 1\nname: x\nsecurity: clear\naddress: %s\ndoors: [{protocol: asap, transport: tcp, port: %d}]\ntimers: {response: 300ms}\n", at.Addr(), at.Port()))
	if err != nil {
		t.Fatal(err)
	}
	e, err := sut.NewExternal(c)
	if err != nil {
		t.Fatal(err)
	}
	return &target.External{Target: e}
}

// TestTargetsThatNeverServe are no findings: there is nothing to fuzz.
func TestTargetsThatNeverServe(t *testing.T) {
	for name, serve := range map[string]func(c net.Conn){
		"it is not there":    nil,
		"it hangs":           func(net.Conn) {},
		"it closes at once":  func(c net.Conn) { c.Close() },
		"it answers garbage": func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.93.77.1:0")
			if err != nil {
				t.Fatal(err)
			}
			at := netip.MustParseAddrPort(l.Addr().String())
			if serve == nil {
				l.Close()
			} else {
				served := make(chan struct{})
				t.Cleanup(func() { l.Close(); <-served })
				go func() {
					defer close(served)
					var open []net.Conn
					for {
						c, err := l.Accept()
						if err != nil {
							break
						}
						open = append(open, c)
						serve(c)
					}
					for _, c := range open {
						c.Close()
					}
				}()
			}
			dir := t.TempDir()
			_, err = campaign.Run(t.Context(), campaign.Options{Target: external(t, at), Dir: dir, Cases: 100})
			if !errors.Is(err, sut.ErrUnreachable) {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, campaign.JournalFile)); err == nil {
				t.Error("a campaign was begun")
			}
		})
	}
}

// TestBrokenFilesOfACorpusArePassedOver, and a corpus without a message is refused.
func TestBrokenFilesOfACorpusArePassedOver(t *testing.T) {
	corpus := t.TempDir()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(corpus, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("empty.asap", nil)
	put("huge.asap", make([]byte, 1<<17))
	o := campaign.Options{Target: &tolerant{transport: association.TCP}, Corpus: corpus, Seed: 1, Cases: 64}
	o.Dir = t.TempDir()
	defer o.Target.Close(context.Background())
	if _, err := campaign.Run(t.Context(), o); !errors.Is(err, campaign.ErrOptions) || !strings.Contains(err.Error(), "no message") {
		t.Errorf("a corpus without a message: %v", err)
	}
	put("good.asap", []byte{5, 0, 0, 16, 0, 9, 0, 12, 'E', 'c', 'h', 'o', 'P', 'o', 'o', 'l'})
	s := run(t, o)
	if len(s.Passed) != 2 || s.NewCases == 0 {
		t.Errorf("%d cases, passed over %q", s.NewCases, s.Passed)
	}
	put("more.asap", []byte{5, 0, 0, 8, 0, 9, 0, 4})
	o.Resume, o.Cases = true, 256
	if _, err := campaign.Run(t.Context(), o); !errors.Is(err, campaign.ErrOther) {
		t.Errorf("resumed with another corpus: %v", err)
	}
}

// TestShardsAreMergedEachFindingOnce, and what does not belong together is refused.
func TestShardsAreMergedEachFindingOnce(t *testing.T) {
	t.Parallel()
	var dirs []string
	cases := uint64(0)
	for shard := range 2 {
		x := &tolerant{transport: association.TCP, turn: "close", response: time.Second}
		dir := t.TempDir()
		ctx, stop := context.WithCancel(t.Context())
		s, err := campaign.Run(ctx, campaign.Options{
			Target: x, Dir: dir, Seed: 1, Shard: shard, Shards: 2, Cases: 4000,
			Effort: triage.Effort{Trials: 100, Time: 5 * time.Second}, Found: func(*finding.Finding) { stop() },
		})
		stop()
		x.Close(context.Background())
		if err != nil || len(s.Findings) == 0 {
			t.Fatalf("shard %d: %+v, %v", shard, s, err)
		}
		dirs, cases = append(dirs, dir), cases+s.Cases
	}
	m, err := campaign.Merge(t.TempDir(), dirs)
	if err != nil {
		t.Fatal(err)
	}
	if m.Cases != cases || len(m.Left) != 0 {
		t.Errorf("%d cases of %d, left %v", m.Cases, cases, m.Left)
	}
	seen := map[string]bool{}
	for _, f := range m.Findings {
		if seen[f.Signature] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Signature] = true
	}
	if m, err := campaign.Merge(t.TempDir(), dirs[:1]); err != nil || len(m.Left) != 1 || m.Left[0] != 1 {
		t.Errorf("one shard: %+v, %v", m, err)
	}
	if _, err := campaign.Merge(t.TempDir(), []string{dirs[0], dirs[0]}); !errors.Is(err, campaign.ErrApart) {
		t.Errorf("the same shard twice: %v", err)
	}
	if _, err := campaign.Merge(t.TempDir(), []string{t.TempDir()}); !errors.Is(err, campaign.ErrNone) {
		t.Errorf("an empty directory: %v", err)
	}
}
