// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// resolving is a resolution that a user under test has been asked for.
type resolving struct {
	done    chan struct{}
	members []sut.Member // valid after done, as is err
	err     error
	cancel  context.CancelFunc
}

// resolve has the user resolve its pool, beside what the check does.
func resolve(ctx context.Context, user sut.UserNode) *resolving {
	ctx, cancel := context.WithCancel(ctx)
	r := &resolving{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(r.done)
		r.members, r.err = user.Resolve(ctx)
	}()
	return r
}

// wait waits for the answer as long as ctx allows.
func (r *resolving) wait(ctx context.Context) ([]sut.Member, error) {
	defer r.cancel()
	select {
	case <-r.done:
		return r.members, r.err
	case <-ctx.Done():
		r.cancel()
		<-r.done
		if r.err == nil {
			return r.members, nil
		}
		return nil, r.err
	}
}

// turned waits for what a user resolves after it was attacked.
func (s *userStage) turned(ctx context.Context, asking *resolving) ([]sut.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, turns*s.run.Instance.Timers.Response)
	defer cancel()
	return asking.wait(ctx)
}

// resolves is the canary: the user resolves, whatever it gets.
func (s *userStage) resolves(ctx context.Context, asking *resolving) (members []sut.Member, ok bool) {
	ok = s.run.Canary(ctx, "the user resolves", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		members, err = s.turned(ctx, asking)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(members).NotTo(gomega.BeEmpty(), "what it gets")
		return "it gets " + memberList(members)
	})
	return members, ok
}

// has tells whether the user got an element.
func has(members []sut.Member, id wire.PEID) bool {
	return slices.ContainsFunc(members, func(m sut.Member) bool { return m.ID == id })
}

func memberList(members []sut.Member) string {
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, fmt.Sprintf("%s at %s", m.ID, m.Addr))
	}
	return list(names)
}

// testimony is what a user under test tells.
type testimony struct {
	mu      sync.Mutex
	events  []sut.NodeEvent
	changed chan struct{} // closed and replaced when events grows
}

// listen keeps what a user tells, until it ends.
func listen(user sut.UserNode) *testimony {
	t := &testimony{changed: make(chan struct{})}
	go func() {
		for e := range user.Events() {
			t.mu.Lock()
			t.events = append(t.events, e)
			close(t.changed)
			t.changed = make(chan struct{})
			t.mu.Unlock()
		}
	}()
	return t
}

// await waits until the user has told what match accepts.
func (t *testimony) await(ctx context.Context, match func(sut.NodeEvent) bool) (sut.NodeEvent, error) {
	for {
		t.mu.Lock()
		i := slices.IndexFunc(t.events, match)
		changed := t.changed
		if i >= 0 {
			e := t.events[i]
			t.mu.Unlock()
			return e, nil
		}
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return sut.NodeEvent{}, fmt.Errorf("the user does not tell it: %w", ctx.Err())
		}
	}
}

// all returns what the user has told so far.
func (t *testimony) all() []sut.NodeEvent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.events)
}
