// SPDX-License-Identifier: Apache-2.0

// Package target gives the fuzzer a system under test that it can start again: the reference as a
// process of its own, or whatever a configuration file describes.
package target

import (
	"context"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

// Target is a system under test.
type Target interface {
	// Start returns the running system. Called again it replaces the system by a fresh one as
	// far as it can: a system that cannot be restarted is only looked at again.
	Start(ctx context.Context) (*link.System, error)
	// Restarts tells whether Start gives a fresh system.
	Restarts() bool
	// Process is what can be seen of the running system's process, nil when nothing can.
	Process() monitor.Process
	// Close ends what Start began.
	Close(ctx context.Context) error
}
