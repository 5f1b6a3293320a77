// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// reachTimeout bounds the first look at a system: three transmissions of a SYN or an INIT.
const reachTimeout = 3 * time.Second

// Reach tries the doors and returns an error when none of them takes an association.
func Reach(ctx context.Context, doors []Door) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var first error
	tried := 0
	for _, d := range doors {
		if d.Transport == association.UDP {
			continue
		}
		tried++
		err := knock(ctx, d)
		if err == nil {
			return nil
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", d, err)
		}
	}
	if tried == 0 {
		return nil
	}
	return fmt.Errorf("%w: none of its %d doors takes an association; %w", ErrUnreachable, tried, first)
}

// errRefused: somebody answers that nobody listens there.
var errRefused = errors.New("refused")

// knock sets up an association and ends it again.
func knock(ctx context.Context, d Door) error {
	dialer := association.Dialer{Transport: d.Transport, UDPPort: d.EncapsulationPort, PPID: d.Protocol.PPID()}
	a, err := dialer.Dial(ctx, d.Addr)
	switch {
	case err == nil:
		return a.Abort("only looking")
	case errors.Is(err, association.ErrAborted) && ctx.Err() == nil:
		return errRefused
	case ctx.Err() != nil:
		return fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
	return err
}
