// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/sut"
)

// reachTimeout bounds the first look at a system: three transmissions of a SYN or an INIT.
const reachTimeout = 3 * time.Second

// Reach tells in one error that a system takes no association at any of its doors, so that
// a user need not find it in the reasons of all checks.
func Reach(ctx context.Context, doors []sut.Door, target sut.Target) error {
	if target.Rung() > 0 {
		return nil // it is started before the first check
	}
	var first error
	tried := 0
	for _, d := range doors {
		if d.Transport == association.UDP {
			continue
		}
		tried++
		ctx, cancel := context.WithTimeout(ctx, reachTimeout)
		dialer := association.Dialer{Transport: d.Transport, UDPPort: d.EncapsulationPort, PPID: d.Protocol.PPID()}
		a, err := dialer.Dial(ctx, d.Addr)
		cancel()
		if err == nil {
			return a.Abort("only looking")
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", d, err)
		}
	}
	if tried == 0 {
		return nil
	}
	return fmt.Errorf("%w: none of %d doors takes an association; %w", sut.ErrUnreachable, tried, first)
}
