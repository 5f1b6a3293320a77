// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"

	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
)

// multiplexed sends the cookie on the channel of the data, so that it is
// protected whenever the data is (draft section 2.16).
func multiplexed(_ context.Context, data *channel.Channel, _ func(context.Context, bool) (*channel.Channel, error)) (*channel.Channel, error) {
	return data, nil
}
