// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestKnownKillersAreMostlyLeftOut: what is known to kill by its length, and longer ones, but no
// shorter ones, and some are still run.
func TestKnownKillersAreMostlyLeftOut(t *testing.T) {
	resolution := func(length int) []byte {
		b, err := wire.Encode(&wire.HandleResolution{PoolHandle: wire.PoolHandle(strings.Repeat("h", length))})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	script := func(length int) *conversation.Script {
		return &conversation.Script{Steps: []conversation.Step{{Kind: conversation.Send, On: "a", Payload: resolution(length)}}}
	}
	var c Campaign
	c.learn(script(8)) // not by its length
	c.learn(script(40))
	for _, row := range []struct {
		root   uint64
		length int
		want   bool
	}{{1, 40, true}, {1, 500, true}, {1, 39, false}, {1, 8, false}, {16, 500, false}} {
		k := model.Case{ID: model.ID{Root: row.root}, Says: []model.Message{{Payload: resolution(row.length)}}}
		if got := c.avoids(&k); got != row.want {
			t.Errorf("case %d with a handle of %d octets: left out %t", row.root, row.length, got)
		}
	}
}
