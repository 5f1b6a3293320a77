// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"errors"
	"testing"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestReplacedKeysCountForNewAssociations(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		bad := []poolelement.RegistrarKey{{Name: "registrar-3", Key: []byte("bob's key, 16 octets")}}
		if err := b.e.ReplaceKeys("bob", bad[0].Key, bad); !errors.Is(err, poolelement.ErrSharedKey) {
			t.Fatalf("a registrar's key that is our own: %v", err)
		}
		if err := b.e.ReplaceKeys("bob", []byte("bob's key, 16 octets"), []poolelement.RegistrarKey{{Name: "registrar-3", Key: []byte("registrar 3's key")}}); err != nil {
			t.Fatal(err)
		}
		n.send(keepAlive(false, server1))
		expect[*wire.EndpointKeepAliveAck](n) // the association goes on
		b.come("registrar-2").send(keepAlive(true, server2))
		b.event(poolelement.HomeRefused)
		taker := b.come("registrar-3")
		taker.send(keepAlive(true, server2))
		b.event(poolelement.HomeChanged)
		_ = taker.assoc.Abort("gone") // the registrar that is called now still knows us as alice only
		b.event(poolelement.RegistrarRefused)
	})
}
