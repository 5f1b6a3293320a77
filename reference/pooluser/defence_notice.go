// SPDX-License-Identifier: Apache-2.0

package pooluser

import "context"

// notifyFirst hands the notice over before anything else happens (draft section
// 2.9: "the application SHOULD be notified when fail over occurs").
func notifyFirst(ctx context.Context, f Failover, deliver func(context.Context, Failover) error) error {
	return deliver(ctx, f)
}
