// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// pairs runs f over both engines and versions.
func pairs(t *testing.T, f func(t *testing.T, cc, sc *Config)) {
	t.Helper()
	a := newAuthority(t)
	for _, v := range []Version{TLS12, TLS13} {
		t.Run("psk "+v.String(), func(t *testing.T) { f(t, pskClient(only(v)), pskServer()) })
		t.Run("certificate "+v.String(), func(t *testing.T) { f(t, certClient(a, only(v)), both(t, a)) })
	}
}

func TestReadDeadlineCanBeMoved(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		client, server := connect(t, cc, sc)
		p := make([]byte, 10)
		for range 3 {
			client.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := client.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("got %v, want a deadline", err)
			}
		}
		client.SetReadDeadline(time.Time{})
		if _, err := server.Write([]byte("still")); err != nil {
			t.Fatal(err)
		}
		if n, err := client.Read(p); string(p[:n]) != "still" {
			t.Errorf("got %q, %v", p[:n], err)
		}
	})
}

func TestPeerOfCloseReadsEOF(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		client, server := connect(t, cc, sc)
		if _, err := client.Write([]byte("last")); err != nil {
			t.Fatal(err)
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(server); string(got) != "last" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("EOF must stay: %v", err)
		}
		if _, err := client.Write([]byte("x")); err == nil {
			t.Error("Write after Close succeeded")
		}
	})
}

func TestEndOfTransportIsNotEOF(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		a, b := tcpPair(t)
		client, server := wrap(t, a, b, cc, sc)
		if ce, se := shake(t, client, server); ce != nil || se != nil {
			t.Fatal(ce, se)
		}
		a.(*net.TCPConn).CloseWrite()
		for range 2 {
			if _, err := server.Read(make([]byte, 1)); err != io.ErrUnexpectedEOF {
				t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
			}
		}
	})
}

func TestHalfCloseStillReads(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		client, server := connect(t, cc, sc)
		if err := client.CloseNotify(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write([]byte("x")); !errors.Is(err, ErrWriteClosed) {
			t.Errorf("Write: %v, want ErrWriteClosed", err)
		}
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("server: %v, want EOF", err)
		}
		if _, err := server.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestCloseWakesAReader(t *testing.T) {
	pairs(t, func(t *testing.T, cc, sc *Config) {
		client, _ := connect(t, cc, sc)
		ended := make(chan error)
		go func() {
			_, err := client.Read(make([]byte, 1))
			ended <- err
		}()
		client.Close()
		if err := <-ended; err == nil {
			t.Error("Read succeeded")
		}
	})
}

func TestCloseWakesAWriterThatIsStuck(t *testing.T) {
	a, b := net.Pipe() // takes nothing that is not read
	client, server := wrap(t, a, b, pskClient(), pskServer())
	if ce, se := shake(t, client, server); ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	ended := make(chan error)
	go func() {
		_, err := client.Write(make([]byte, 1<<20))
		ended <- err
	}()
	io.ReadFull(b, make([]byte, 1)) // it is in the transport
	begin := time.Now()
	client.Close()
	if err := <-ended; err == nil {
		t.Error("Write succeeded")
	}
	if d := time.Since(begin); d > 2*closeNotifyTimeout {
		t.Errorf("Close took %v", d)
	}
}

func TestFailedWriteEndsTheWritingSide(t *testing.T) {
	a, b := net.Pipe()
	client, server := wrap(t, a, b, pskClient(), pskServer())
	if ce, se := shake(t, client, server); ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	client.SetWriteDeadline(time.Now().Add(time.Millisecond))
	if _, err := client.Write([]byte("lost")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	client.SetWriteDeadline(time.Time{})
	if _, err := client.Write([]byte("after a hole")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a record after a lost one: %v", err)
	}
}

func TestTamperedRecordIsAnsweredWithAnAlert(t *testing.T) {
	a, b := tcpPair(t)
	client, server := wrap(t, a, b, pskClient(), pskServer())
	if ce, se := shake(t, client, server); ce != nil || se != nil {
		t.Fatal(ce, se)
	}
	if _, err := a.Write(append([]byte{23, 3, 3, 0, 32}, make([]byte, 32)...)); err != nil {
		t.Fatal(err)
	}
	_, err := server.Read(make([]byte, 1))
	wantAlerts(t, err, "bad_record_mac", "")
	_, err = client.Read(make([]byte, 1))
	wantAlerts(t, err, "", "bad_record_mac")
}

func TestManyConnectionsInBothDirectionsAtOnce(t *testing.T) {
	cc, sc := pskClient(), pskServer()
	var wg sync.WaitGroup
	for range 8 {
		client, server := connect(t, cc, sc)
		wg.Go(func() { duplex(t, client, server, 1<<20) })
	}
	wg.Wait()
}

// The error queue of OpenSSL belongs to the thread: what one connection left there
// must not break the next that runs on it. A failed AEAD leaves two entries.
func TestErrorsOfOneConnectionStayWithIt(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	client, server := connect(t, pskClient(), pskServer())
	a, b := tcpPair(t)
	stranger, victim := wrap(t, a, b, pskClient(only(TLS12), suites("PSK-AES128-GCM-SHA256"), wrongKey), pskServer())
	go stranger.HandshakeContext(context.Background())
	wantAlerts(t, victim.HandshakeContext(context.Background()), "bad_record_mac", "")
	server.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an idle connection reads %v", err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// Handshake steps wait for a slot, so that a flood of connections cannot make a
// thread each.
func TestHandshakeStepsAreBounded(t *testing.T) {
	raw, peer := net.Pipe()
	client, err := Client(raw, pskClient())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	slots := make(limiter, 1)
	client.(*pskConn).slots = slots
	slots <- struct{}{} // taken
	ended := make(chan error)
	go func() { ended <- client.HandshakeContext(context.Background()) }()
	peer.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := peer.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a step ran without a slot: %d octets, %v", n, err)
	}
	<-slots
	peer.SetReadDeadline(time.Now().Add(patience))
	hello := make([]byte, 1)
	if _, err := peer.Read(hello); err != nil || !bytes.Equal(hello, []byte{recordHandshake}) {
		t.Errorf("got % x, %v", hello, err)
	}
	peer.Close()
	if err := <-ended; err == nil {
		t.Error("handshake succeeded")
	}
	if len(slots) != 0 {
		t.Error("the slot was not given back")
	}
	if n := cap(handshakeSlots()); n != handshakesPerCore*runtime.NumCPU() {
		t.Errorf("%d slots", n)
	}
}
