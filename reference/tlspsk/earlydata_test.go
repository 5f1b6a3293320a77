// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

func earlyOn(c *Config) { c.AllowEarlyData = true }

// earlyConnect runs a handshake in which the client sends early data first.
func earlyConnect(t testing.TB, a, b net.Conn, sc *Config, early []byte) (client, server Conn) {
	t.Helper()
	client, server = wrap(t, a, b, pskClient(earlyOn), sc)
	if n, err := client.(EarlyDataWriter).WriteEarlyData(early); n != len(early) || err != nil {
		t.Fatalf("WriteEarlyData: %d, %v", n, err)
	}
	ended := make(chan error)
	go func() { ended <- server.HandshakeContext(context.Background()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestEarlyDataComesFirst(t *testing.T) {
	for _, size := range []int{1, 100, MaxEarlyData} {
		early := bytes.Repeat([]byte{'e'}, size)
		a, b := tcpPair(t)
		client, server := earlyConnect(t, a, b, pskServer(earlyOn), early)
		if _, err := client.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, size+4)
		if _, err := io.ReadFull(server, got); err != nil || !bytes.Equal(got, append(early, "late"...)) {
			t.Errorf("%d octets: got %q, %v", size, got, err)
		}
		if !client.State().EarlyData || !server.State().EarlyData {
			t.Errorf("state: client %+v, server %+v", client.State(), server.State())
		}
		if want := (Identity{PSK, nodeName}); server.State().PeerIdentity != want {
			t.Errorf("server sees %v", server.State().PeerIdentity)
		}
		duplex(t, client, server, 50_000)
	}
}

func TestEarlyDataIsRefusedByDefault(t *testing.T) {
	a, b := tcpPair(t)
	client, server := earlyConnect(t, a, b, pskServer(), []byte("early"))
	if client.State().EarlyData || server.State().EarlyData {
		t.Errorf("state: client %+v, server %+v", client.State(), server.State())
	}
	if _, err := client.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); string(got) != "late" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	plain, err := Client(a, pskClient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.(EarlyDataWriter).WriteEarlyData([]byte("x")); !errors.Is(err, ErrEarlyData) {
		t.Errorf("client without AllowEarlyData: %v", err)
	}
	plain.(*pskConn).cleanup.Stop()
	plain.(*pskConn).held.free()
}

func TestServerWithEarlyDataTakesClientsWithout(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		client, server := connect(t, pskClient(only(v)), pskServer(earlyOn))
		duplex(t, client, server, 50_000)
		if server.State().EarlyData {
			t.Errorf("%v: state %+v", v, server.State())
		}
	}
}

func TestWriteEarlyDataHasLimits(t *testing.T) {
	client, _ := connect(t, pskClient(earlyOn), pskServer(earlyOn))
	if _, err := client.(EarlyDataWriter).WriteEarlyData([]byte("x")); !errors.Is(err, ErrEarlyData) {
		t.Errorf("after the handshake: %v", err)
	}
	a, _ := tcpPair(t)
	client, err := Client(a, pskClient(earlyOn))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.(EarlyDataWriter).WriteEarlyData(make([]byte, MaxEarlyData+1)); !errors.Is(err, ErrEarlyData) {
		t.Errorf("too much: %v", err)
	}
}

// The attack that early data without anti-replay allows (RFC 8446 section 8): the
// recorded first flight works again in a connection whose client knows no key.
func TestReplayedFirstFlight(t *testing.T) {
	request := []byte("register me again")
	flight := firstFlight(t, pskClient(earlyOn), request)
	for _, tc := range []struct {
		name   string
		server *Config
		faulty bool
	}{
		{"with the fault", pskServer(earlyOn), true},
		{"without", pskServer(), false},
	} {
		for _, round := range []string{"first", "second"} {
			t.Run(tc.name+"/"+round, func(t *testing.T) {
				a, b := tcpPair(t)
				server, err := Server(b, tc.server)
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				if _, err := a.Write(flight); err != nil {
					t.Fatal(err)
				}
				a.(*net.TCPConn).CloseWrite()
				got := make([]byte, 100)
				n, err := server.Read(got)
				if !tc.faulty {
					if n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("the server took %q, %v", got[:n], err)
					}
					return
				}
				if !bytes.Equal(got[:n], request) || err != nil {
					t.Fatalf("got %q, %v", got[:n], err)
				}
				if s := server.State(); !s.EarlyData || s.PeerIdentity.Name != nodeName {
					t.Errorf("state %+v", s)
				}
				if _, err := server.Write([]byte("done")); err != nil {
					t.Errorf("the answer to early data: %v", err)
				}
				if _, err := server.Read(got); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("after the early data: %v", err)
				}
			})
		}
	}
}

// gate is a transport whose client's octets after the first flight wait.
type gate struct {
	net.Conn
	flights atomic.Int32
	open    chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	if g.flights.Add(1) > 1 {
		<-g.open
	}
	return g.Conn.Write(p)
}

func TestServerAnswersEarlyDataBeforeTheHandshakeEnds(t *testing.T) {
	a, b := tcpPair(t)
	g := &gate{Conn: a, open: make(chan struct{})}
	client, server := wrap(t, g, b, pskClient(earlyOn), pskServer(earlyOn))
	if _, err := client.(EarlyDataWriter).WriteEarlyData([]byte("ask")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		answer := make([]byte, 6)
		_, err := io.ReadFull(client, answer)
		if err == nil && string(answer) != "answer" {
			err = errors.New(string(answer))
		}
		ended <- err
	}()
	server.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, 3)
	if _, err := io.ReadFull(server, got); err != nil || string(got) != "ask" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	close(g.open)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	duplex(t, client, server, 50_000)
}
