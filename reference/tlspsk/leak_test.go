// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
	"weak"
)

// eventually collects garbage until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for begin := time.Now(); !cond(); runtime.Gosched() {
		if time.Since(begin) > patience {
			t.Fatal(what)
		}
		runtime.GC()
	}
}

func TestClosedConnectionsHoldNoMemoryOfC(t *testing.T) {
	sc := pskServer()
	good, bad := pskClient(), pskClient(wrongKey)
	for range 10 {
		client, server := connect(t, good, sc)
		duplex(t, client, server, 20_000)
		client.Close()
		server.Close()
		a, b := tcpPair(t)
		client, server = wrap(t, a, b, bad, sc)
		shake(t, client, server)
		client.Close()
		server.Close()
	}
	for _, e := range []*engine{sc.shared.engines[serverRole], good.shared.engines[clientRole], bad.shared.engines[clientRole]} {
		if n := e.live.Load(); n != 0 {
			t.Errorf("%d connections are not free", n)
		}
	}
}

func TestForgottenConnectionsAreFreed(t *testing.T) {
	cc := pskClient()
	for range 20 {
		raw, _ := net.Pipe()
		if _, err := Client(raw, cc); err != nil {
			t.Fatal(err)
		}
	}
	e := cc.shared.engines[clientRole]
	eventually(t, "forgotten connections keep their memory", func() bool { return e.live.Load() == 0 })
}

// unheld returns an established pair that no cleanup of the test holds.
func unheld(t testing.TB, cc, sc *Config) (client, server Conn) {
	t.Helper()
	a, b := net.Pipe()
	client, err := Client(a, cc)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = Server(b, sc); err != nil {
		t.Fatal(err)
	}
	if ce, se := shake(t, client, server); ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	return client, server.(*serverConn).chosen()
}

// Lookup usually belongs to the owner of the Config; nothing in C may hold that ring.
func TestForgottenConfigIsFreedThoughItsLookupKnowsIt(t *testing.T) {
	engine := func() weak.Pointer[engine] {
		sc := &Config{}
		sc.Lookup = func(id string) []byte {
			if sc.HideUnknownIdentity {
				return nil
			}
			return lookup(id)
		}
		unheld(t, pskClient(), sc)
		return weak.Make(sc.shared.engines[serverRole])
	}()
	eventually(t, "the engine stays", func() bool { return engine.Value() == nil })
}

func TestConnectionOutlivesItsConfig(t *testing.T) {
	cc, sc := pskClient(), pskServer()
	client, server := unheld(t, cc, sc)
	engine := weak.Make(sc.shared.engines[serverRole])
	sc = nil
	eventually(t, "the engine stays", func() bool { return engine.Value() == nil })
	duplex(t, client, server, 100_000)
	runtime.KeepAlive(cc)
	go client.Close()
	if _, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
	server.Close()
}
