// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// mute is a driver of a user that resolves nothing, by its own word.
type mute struct{ sut.Driver }

type muteUser struct{ sut.UserNode }

func (mute) StartUser(context.Context, sut.UserSpec) (sut.UserNode, error) { return muteUser{}, nil }

func (muteUser) Resolve(context.Context) ([]sut.Member, error) {
	return nil, fmt.Errorf("%w: no resolver", sut.ErrUnsupported)
}

// What the system declines beside the step that then fails is why it fails; what it has done
// wrong before counts all the same.
func TestStepThatFailsForWhatTheSystemDeclinesIsUnsupported(t *testing.T) {
	resolve := func(ctx context.Context, r *engine.Run) error {
		user, err := r.Instance.Driver.StartUser(ctx, sut.UserSpec{})
		if err == nil {
			_, err = user.Resolve(ctx)
		}
		return err
	}
	never := func(_ context.Context, g gomega.Gomega) string {
		g.Expect(false).To(gomega.BeTrue(), "nobody came")
		return ""
	}
	for _, row := range []struct {
		name string
		run  func(ctx context.Context, r *engine.Run)
		want reports.Verdict
	}{
		{"in a baseline, asked for before", func(ctx context.Context, r *engine.Run) {
			_ = resolve(ctx, r)
			r.Baseline(ctx, "the user comes", never)
		}, reports.Unsupported},
		{"in a baseline, not asked for", func(ctx context.Context, r *engine.Run) { r.Baseline(ctx, "the user comes", never) }, reports.Inconclusive},
		{"in an oracle, asked for by it", func(ctx context.Context, r *engine.Run) {
			r.Oracle(ctx, "it resolves", func(ctx context.Context, g gomega.Gomega) string {
				g.Expect(resolve(ctx, r)).To(gomega.Succeed())
				return ""
			})
		}, reports.Unsupported},
		{"in an oracle, asked for before", func(ctx context.Context, r *engine.Run) {
			_ = resolve(ctx, r)
			r.Oracle(ctx, "it does not do harm", never)
		}, reports.Fail},
		{"in a canary", func(ctx context.Context, r *engine.Run) {
			canary(ctx, r, resolve)
			r.Oracle(ctx, "it does not do harm", fine)
		}, reports.Unsupported},
		{"in a canary, before a violation", func(ctx context.Context, r *engine.Run) {
			canary(ctx, r, resolve)
			r.Oracle(ctx, "it does not do harm", never)
		}, reports.Fail},
		{"after a violation", func(ctx context.Context, r *engine.Run) {
			r.Oracle(ctx, "it does not do harm", never)
			_ = resolve(ctx, r)
			r.Baseline(ctx, "the user comes", never)
		}, reports.Fail},
	} {
		t.Run(row.name, func(t *testing.T) {
			target := &fake{prepare: func(s sut.Security) (*sut.Instance, error) {
				return &sut.Instance{Security: s, Driver: mute{}, Timers: sut.Timers{Response: time.Second, Removal: time.Second}}, nil
			}}
			e := newEngine(t, target, check(row.run, binding))
			out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
			if got := out.Results[0]; got.Verdict != row.want {
				t.Errorf("%s: %s, want %s", got.Verdict, got.Reason, row.want)
			}
		})
	}
}

// canary takes a step that needs a resolution.
func canary(ctx context.Context, r *engine.Run, resolve func(context.Context, *engine.Run) error) {
	r.Canary(ctx, "it still resolves", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(resolve(ctx, r)).To(gomega.Succeed())
		return ""
	})
}

// declining says in its configuration what it does not do.
type declining struct{ fake }

func (*declining) Declines(requirement, _ string, _ sut.Role) string {
	if requirement == binding {
		return "it says so"
	}
	return ""
}

func TestWhatTheConfigurationDeclinesIsNotTried(t *testing.T) {
	tried := false
	e := newEngine(t, &declining{}, check(func(ctx context.Context, r *engine.Run) {
		tried = true
		r.Oracle(ctx, "oracle", fine)
	}, binding))
	out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	if got := out.Results[0]; tried || got.Verdict != reports.Unsupported || got.Reason != "it says so" {
		t.Errorf("tried %t, %s: %s", tried, got.Verdict, got.Reason)
	}
	both := check(func(ctx context.Context, r *engine.Run) { r.Oracle(ctx, "oracle", fine) }, binding, other)
	e = newEngine(t, &declining{}, both)
	out = e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	if len(out.Results) != 2 || out.Results[0].Verdict != reports.Unsupported || out.Results[1].Verdict != reports.Pass {
		t.Errorf("%+v", out.Results)
	}
}
