// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// doom ends the nodes under test when an attacker has a connection, or sends a datagram; no
// other can be started from then on.
type doom struct {
	script.Recorder
	driver sut.Driver

	mu    sync.Mutex
	dead  bool
	nodes []sut.Node
	ended sync.WaitGroup
}

func (d *doom) Position(hostile bool, wrap func(net.Conn) net.Conn) func(net.Conn) net.Conn {
	next := script.Position(d.Recorder, hostile, wrap)
	if !hostile {
		return next
	}
	return func(c net.Conn) net.Conn {
		d.strike()
		if next != nil {
			c = next(c)
		}
		return c
	}
}

func (d *doom) Datagram() bool {
	d.strike()
	return script.MaySend(d.Recorder)
}

func (d *doom) strike() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return
	}
	d.dead = true
	at := context.Background()
	at, cancel := context.WithCancel(at)
	cancel() // at once: nobody says goodbye
	for _, n := range d.nodes {
		d.ended.Go(func() { _ = n.Stop(at) })
	}
}

// alive tells that a node may still do something.
func (d *doom) alive() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return fmt.Errorf("%w: its process has ended", sut.ErrUnreachable)
	}
	return nil
}

// lives has a node that was started end with the others.
func (d *doom) lives(n sut.Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nodes = append(d.nodes, n)
}

func (d *doom) StartElement(ctx context.Context, spec sut.ElementSpec) (sut.ElementNode, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	n, err := d.driver.StartElement(ctx, spec)
	if err != nil {
		return nil, err
	}
	d.lives(n)
	return doomedElement{n, d}, nil
}

func (d *doom) StartUser(ctx context.Context, spec sut.UserSpec) (sut.UserNode, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	n, err := d.driver.StartUser(ctx, spec)
	if err != nil {
		return nil, err
	}
	d.lives(n)
	return doomedUser{n, d}, nil
}

type doomedElement struct {
	sut.ElementNode
	doom *doom
}

func (n doomedElement) Register(ctx context.Context) error {
	if err := n.doom.alive(); err != nil {
		return err
	}
	return n.ElementNode.Register(ctx)
}

func (n doomedElement) Deregister(ctx context.Context) error {
	if err := n.doom.alive(); err != nil {
		return err
	}
	return n.ElementNode.Deregister(ctx)
}

type doomedUser struct {
	sut.UserNode
	doom *doom
}

func (n doomedUser) Resolve(ctx context.Context) ([]sut.Member, error) {
	if err := n.doom.alive(); err != nil {
		return nil, err
	}
	return n.UserNode.Resolve(ctx)
}

func (n doomedUser) Send(ctx context.Context, data []byte) ([]byte, error) {
	if err := n.doom.alive(); err != nil {
		return nil, err
	}
	return n.UserNode.Send(ctx, data)
}

// unattacked are the checks of elements and users in which no attacker has a node, with what
// is done instead.
var unattacked = map[string]string{
	"2.6-pe-psk-authorises":       "the element registers",
	"2.7-certificate-tls":         "the user resolves",
	"2.8-replayed-resolutions":    "answers are repeated on the path",
	"2.9-failover-notice":         "an element of the pool goes",
	"2.9-weaker-element":          "an element of the pool goes",
	"2.12-pe-announced-registrar": "somebody listens",
	"2.13-unreachable-reports":    "elements of the pool go",
	"2.16-echoed-cookie":          "somebody listens",
	"2.17-pe-signed-policy":       "the policy is read",
	"2.17-proven-choice":          "choices are checked",
}

// TestNodeThatDiesUnderAnAttackIsNotJudged is TestSystemThatDiesUnderAnAttackIsNotJudged for
// pool elements and pool users.
func TestNodeThatDiesUnderAnAttackIsNotJudged(t *testing.T) {
	t.Parallel()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range scenarios.Checks() {
		if c.Role == engine.Registrar || c.Security == sut.Clear || unattacked[c.ID] != "" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			reference, err := sut.NewEmbedded()
			if err != nil {
				t.Fatal(err)
			}
			reference.Impatient()
			d := &doom{}
			run := c.Run
			c.Run = func(ctx context.Context, r *engine.Run) {
				d.Recorder, d.driver = r.World.Recorder, r.Instance.Driver
				r.World.Recorder, r.Instance.Driver = d, d
				run(ctx, r)
				d.ended.Wait()
			}
			e := &engine.Engine{Target: reference, Ledger: l, Seed: uint64(time.Now().UnixNano())}
			out := e.RunCheck(t.Context(), &c, func(string) bool { return true })
			if !d.dead {
				t.Error("nobody attacks it")
			}
			for _, r := range out.Results {
				if !slices.Contains([]reports.Verdict{reports.Inconclusive, reports.HarnessError, reports.NotApplicable}, r.Verdict) {
					t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
				}
			}
		})
	}
}
