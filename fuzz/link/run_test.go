// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// TestScriptEndsWhenItIsEnough: behind a system that answers nothing, each further question would be waited for.
func TestScriptEndsWhenItIsEnough(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, and nobody reads
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	script, err := conversation.Parse(strings.NewReader("rspthreat-script 1\nopen a asap tcp clear as nobody\nsync a\nsync a\nsync a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		enough func(*link.Exchange) bool
		want   int
	}{
		{nil, 3},
		{func(e *link.Exchange) bool { return e.Result.Silent }, 1},
		{func(*link.Exchange) bool { return false }, 3},
	} {
		r := link.Runner{Enough: row.enough, System: &link.System{
			Pool: "EchoPool", Wire: wire.Strict(), Response: 50 * time.Millisecond, // there is nothing to wait for
			Doors: []sut.Door{{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.MustParseAddrPort(silent.Addr().String())}},
		}}
		done, err := r.Run(t.Context(), script)
		if err != nil || len(done) != row.want || !done[0].Result.Silent {
			t.Errorf("%d exchanges, want %d, %v: %+v", len(done), row.want, err, done)
		}
	}
}
