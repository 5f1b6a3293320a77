// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func dropAll(_, _ netip.AddrPort, _ []byte) []byte { return nil }

func TestDeadPeerIsGivenUp(t *testing.T) {
	const liveness = 60 * time.Second
	for name, write := range map[string]bool{"idle": false, "data outstanding": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, newNetwork(), Options{Liveness: liveness}, Options{})
				sendText(t, p.client, "alive")
				wantText(t, p.server, "alive")
				p.net.setFilter(dropAll)
				start := time.Now()
				if write {
					sendText(t, p.client, "lost")
				}
				<-p.client.Ended()
				if err := p.client.Err(); !errors.Is(err, ErrUnreachable) {
					t.Errorf("ended: %v", err)
				}
				if d := time.Since(start); d < liveness/2 || d > liveness*5/4+time.Second {
					t.Errorf("given up after %v", d)
				}
			})
		})
	}
}

func TestIdlePeerThatAnswersHeartbeatsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newNetwork(), Options{Liveness: time.Minute}, Options{})
		time.Sleep(time.Hour) // of the bubble
		sendText(t, p.client, "still here")
		wantText(t, p.server, "still here")
	})
}

// A kernel aborts an association on a HEARTBEAT that has no Heartbeat Info (RFC
// 9260 section 3.3.6): the engine's have none.
func TestNoHeartbeatIsWithoutItsParameter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := newPair(t, n, Options{Liveness: time.Minute}, Options{})
		var beats, empty atomic.Int32
		n.setFilter(func(_, _ netip.AddrPort, b []byte) []byte {
			for c := range chunks(b) {
				switch {
				case c[0] != chunkHeartbeat:
				case len(c) < chunkHeaderLen+4:
					empty.Add(1)
				default:
					beats.Add(1)
				}
			}
			return b
		})
		p.client.engine.ActiveHeartbeat() // as its probe timer does
		time.Sleep(time.Minute)           // of the bubble
		sendText(t, p.client, "still here")
		wantText(t, p.server, "still here")
		if empty.Load() > 0 || beats.Load() == 0 {
			t.Errorf("%d HEARTBEATs without a parameter, %d with one", empty.Load(), beats.Load())
		}
	})
}

// The packets of a peer that receives nothing prove nothing.
func TestPeerThatHearsNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newNetwork(), Options{Liveness: time.Minute}, Options{Liveness: 24 * time.Hour})
		deaf := p.client.path.local
		p.net.setFilter(func(from, _ netip.AddrPort, b []byte) []byte {
			if from == deaf {
				return nil
			}
			return b
		})
		for range 100 {
			p.server.path.heartbeat()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		select {
		case <-p.client.Ended():
		default:
			t.Fatal("kept")
		}
		if err := p.client.Err(); !errors.Is(err, ErrUnreachable) {
			t.Errorf("ended: %v", err)
		}
	})
}

// Our SHUTDOWN ACK is repeated until the SHUTDOWN COMPLETE comes: not for ever.
func TestPeerThatLeavesDuringShutdownIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newNetwork(), Options{}, Options{})
		sendText(t, p.client, "last")
		wantText(t, p.server, "last")
		p.net.setFilter(func(_, _ netip.AddrPort, b []byte) []byte {
			if b[headerLen] == chunkShutdownComplete {
				return nil
			}
			return b
		})
		if err := p.client.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.clientEnd.Close()
		start := time.Now()
		<-p.server.Ended()
		if d := time.Since(start); p.server.Err() != io.EOF || d > 2*shutdownGrace {
			t.Errorf("ended: %v after %v", p.server.Err(), d)
		}
	})
}

func TestLossIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		random := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		n.setFilter(func(_, _ netip.AddrPort, b []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			if random.IntN(5) == 0 {
				return nil
			}
			return b
		})
		const messages = 200
		p := newPair(t, n, Options{}, Options{})
		go func() {
			for range messages {
				_ = p.client.WriteMessage(Message{Payload: make([]byte, 1000)})
			}
		}()
		for i := range messages {
			if _, err := p.server.ReadMessage(); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
	})
}

// An error of the link ends the engine's write loop unless it is hidden.
func TestFailedWriteIsLikeLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, newNetwork(), Options{}, Options{})
		var works atomic.Bool
		p.net.links[p.client.path.local].fail = func() error {
			if works.Load() {
				return nil
			}
			return syscall.ECONNREFUSED
		}
		sendText(t, p.client, "delayed")
		synctest.Wait()
		if p.clientEnd.Stats().LinkErrors == 0 {
			t.Fatal("nothing failed")
		}
		works.Store(true)
		wantText(t, p.server, "delayed")
	})
}
