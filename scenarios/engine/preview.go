// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/sut"
)

// Preview says whether a check will run on the target, without running it.
type Preview struct {
	Check *Check
	// Reason is why it will not run, "" when it will.
	Reason string
	// Unsupported says that it is the system's own word.
	Unsupported bool
}

// Previews looks at every check of a role that the target has. It prepares the target once for
// each role and security.
func (e *Engine) Previews(ctx context.Context) []Preview {
	prepared := make(map[sut.Wanted]func(*Check) Preview)
	var out []Preview
	for i := range e.Checks {
		c := &e.Checks[i]
		if !slices.Contains(e.Target.Roles(), c.Role) {
			continue
		}
		if c.Rung > e.Target.Rung() {
			out = append(out, Preview{c, fmt.Sprintf("needs rung %d, the system under test is at rung %d", c.Rung, e.Target.Rung()), false})
			continue
		}
		if !slices.ContainsFunc(c.Requirements, func(id string) bool { return e.declined(id, c.Section, c.Role) == "" }) {
			out = append(out, Preview{c, e.declined(c.Requirements[0], c.Section, c.Role), true})
			continue
		}
		wanted := sut.Wanted{Role: c.Role, Security: c.Security}
		if wanted.Security == "" {
			wanted.Security = e.Target.Security()
		}
		look, ok := prepared[wanted]
		if !ok {
			look = e.look(ctx, wanted)
			prepared[wanted] = look
		}
		out = append(out, look(c))
	}
	return out
}

// look prepares the target and returns what says of a check whether it applies.
func (e *Engine) look(ctx context.Context, wanted sut.Wanted) func(*Check) Preview {
	instance, err := e.Target.Prepare(ctx, wanted)
	switch {
	case errors.Is(err, sut.ErrNoVariant):
		return func(c *Check) Preview {
			return Preview{c, fmt.Sprintf("is about a %s that is %s", wanted.Role, wanted.Security), false}
		}
	case err != nil:
		return func(c *Check) Preview { return Preview{c, err.Error(), errors.Is(err, sut.ErrUnsupported)} }
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = instance.Close(ctx) // what is asked of it is what it was made with
	return func(c *Check) Preview {
		if c.Applies == nil {
			return Preview{Check: c}
		}
		return Preview{Check: c, Reason: c.Applies(instance)}
	}
}
