// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
)

// A ticket outlives the key where both sides use them, and nowhere else.
func TestTicketOutlivesItsKeyOnlyWhereTicketsAreAllowed(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		for _, allowed := range []bool{true, false} {
			var withdrawn atomic.Bool
			sc := pskServer(only(v), func(c *Config) {
				c.Tickets = allowed
				c.Lookup = func(id string) []byte {
					if withdrawn.Load() {
						return nil
					}
					return lookup(id)
				}
			})
			kept := NewSessions()
			come := func() (client, server Conn, err error) {
				a, b := tcpPair(t)
				// Each connection has a configuration of its own: the session is what they share.
				client, server = wrap(t, a, b, pskClient(only(v), func(c *Config) { c.Sessions = kept }), sc)
				ended := make(chan error)
				go func() { ended <- server.HandshakeContext(context.Background()) }()
				err = client.HandshakeContext(t.Context())
				if err != nil {
					client.Close()
				}
				if e := <-ended; e != nil {
					err = e
				}
				return client, server, err
			}
			client, server, err := come()
			if err != nil {
				t.Fatal(err)
			}
			if client.State().Resumed || server.State().Resumed {
				t.Errorf("%v: resumed from nothing", v)
			}
			// What is read after a handshake brings the ticket of TLS 1.3.
			if _, err := server.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			client.Close()
			server.Close()
			if kept.Kept() != allowed {
				t.Errorf("%v, tickets %t: a session is kept: %t", v, allowed, kept.Kept())
			}
			withdrawn.Store(true)
			_, server, err = come()
			if allowed != (err == nil) {
				t.Errorf("%v, tickets %t: %v", v, allowed, err)
			}
			if want := (Identity{PSK, nodeName}); allowed && (server.State().PeerIdentity != want || !server.State().Resumed) {
				t.Errorf("%v: %+v", v, server.State())
			}
		}
	}
}
