// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// datagrams opens a socket.
func datagrams(t *testing.T, c DatagramConfig) *Datagram {
	t.Helper()
	d, err := ListenDatagram(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDatagramsAreMessages(t *testing.T) {
	var tap recording
	a := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 3863), Tap: &tap})
	b := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 9901)})
	for _, n := range []int{8, 60000, 4} {
		if err := b.Send(t.Context(), message(n, 3), a.Local()); err != nil {
			t.Fatal(err)
		}
		got, from, err := a.Receive(within(t))
		if err != nil || string(got) != string(message(n, 3)) || from != b.Local() {
			t.Fatalf("%d octets from %v, %v", len(got), from, err)
		}
		if err := a.Send(t.Context(), got, from); err != nil {
			t.Fatal(err)
		}
		if got, _, err = b.Receive(within(t)); err != nil || len(got) != n {
			t.Fatalf("%d octets back, %v", len(got), err)
		}
	}
	records := tap.all()
	if len(records) != 6 {
		t.Fatalf("%d records", len(records))
	}
	for i, x := range records {
		if x.Transport != UDP || x.Outbound != (i%2 == 1) || x.Local != a.Local() || x.Remote != b.Local() || x.Kind != RecordData {
			t.Errorf("record %d: %+v", i, x)
		}
	}
}

func TestCancelledDatagramReceiveLosesNothing(t *testing.T) {
	a := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 3863)})
	b := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 3863)})
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, _, err := a.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("cancelled: %v", err)
		}
		cancel()
		if err := b.Send(t.Context(), message(8, 1), a.Local()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.Receive(within(t)); err != nil {
			t.Fatalf("after a cancelled one: %v", err)
		}
	}
}

func TestDatagramCloseEndsReceive(t *testing.T) {
	a := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 0)})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, _, err := a.Receive(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("receive: %v", err)
		}
	})
	a.Close()
	waiting.Wait()
}

// The ASAP client channel is 224.0.1.185 (RFC 5352 section 9.4).
func TestAnnouncementReachesEveryReceiverOfTheGroup(t *testing.T) {
	c := DatagramConfig{
		Local: netip.MustParseAddrPort("224.0.1.185:0"), Interface: "lo", Shared: true,
		Groups: []netip.Addr{netip.MustParseAddr("224.0.1.185")},
	}
	receivers := []*Datagram{datagrams(t, c)}
	group := receivers[0].Local() // any port: that of ASAP may have another owner on this host
	c.Local = group
	receivers = append(receivers, datagrams(t, c))
	sender := datagrams(t, DatagramConfig{Local: netip.AddrPortFrom(address(), 0), Groups: c.Groups, Interface: "lo"})
	if err := sender.Send(t.Context(), message(8, 1), group); err != nil {
		t.Fatal(err)
	}
	for i, r := range receivers {
		if got, from, err := r.Receive(within(t)); err != nil || len(got) != 8 || from != sender.Local() {
			t.Errorf("receiver %d: %d octets from %v, %v", i, len(got), from, err)
		}
	}
}
