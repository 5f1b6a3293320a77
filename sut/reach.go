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
		dialer := association.Dialer{Transport: d.Transport, UDPPort: d.EncapsulationPort, PPID: d.Protocol.PPID()}
		a, err := dialer.Dial(ctx, d.Addr)
		if err == nil {
			return a.Abort("only looking")
		}
		if errors.Is(err, association.ErrAborted) && ctx.Err() == nil {
			err = errors.New("refused")
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
