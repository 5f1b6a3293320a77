// SPDX-License-Identifier: Apache-2.0

//go:build group

package group

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// network carries IPv4 packets between hosts, and loses them where it is told to. It is the
// test's own, because not every kernel can lose packets (sch_netem).
type network struct {
	t     *testing.T
	mu    sync.RWMutex
	hosts map[netip.Addr]*host
	sides map[*host]int // hosts on different sides do not reach each other
	loss  atomic.Uint32 // of a hundred packets

	carried, lost atomic.Uint64
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, hosts: make(map[netip.Addr]*host), sides: make(map[*host]int)}
}

// prefix is that of all addresses.
const prefix = 16

// host is a network namespace with one interface. The namespace goes with the thread that
// made it and the processes in it; nothing has to be cleaned up, however the test ends.
type host struct {
	n    *network
	name string
	tun  *os.File
	work chan func()
}

// host makes one with the given addresses.
func (n *network) host(name string, addrs ...netip.Addr) *host {
	n.t.Helper()
	h := &host{n: n, name: name, work: make(chan func())}
	ready := make(chan error)
	go h.live(ready, addrs)
	if err := <-ready; err != nil {
		n.t.Fatalf("namespace of %s: %v (root is needed, and /dev/net/tun)", name, err)
	}
	n.mu.Lock()
	for _, a := range addrs {
		n.hosts[a] = h
	}
	n.mu.Unlock()
	carried := make(chan struct{})
	go func() { defer close(carried); h.carry() }()
	n.t.Cleanup(func() {
		close(h.work)
		_ = h.tun.Close() // ends carry
		<-carried
	})
	return h
}

// live is the thread of the namespace. It never leaves it, and ends with the goroutine.
func (h *host) live(ready chan<- error, addrs []netip.Addr) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		h.tun, err = openTUN()
	}
	if err == nil {
		err = setUp(addrs)
	}
	ready <- err
	for f := range h.work {
		f()
	}
}

// do runs f on the thread of the namespace: what it starts or opens is in there.
func (h *host) do(f func() error) error {
	done := make(chan error)
	h.work <- func() { done <- f() }
	return <-done
}

const interfaceName = "tun0"

func openTUN() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(interfaceName)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", interfaceName, err)
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

// setUp gives the interface its addresses. All others are beyond it.
func setUp(addrs []netip.Addr) error {
	var batch strings.Builder
	batch.WriteString("link set lo up\nlink set " + interfaceName + " up\n")
	for _, a := range addrs {
		fmt.Fprintf(&batch, "addr add %s/%d dev %s\n", a, prefix, interfaceName)
	}
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(batch.String())
	if out, err := ip.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	return nil
}

// carry passes on what the host sends until its interface is closed.
func (h *host) carry() {
	const destination, ipv4 = 16, 4
	packet := make([]byte, 1<<16)
	for {
		size, err := h.tun.Read(packet)
		if err != nil {
			return
		}
		if size < destination+4 || packet[0]>>4 != ipv4 {
			continue // the kernel's own IPv6
		}
		to := h.n.reaches(h, netip.AddrFrom4([4]byte(packet[destination:])))
		if to == nil || rand.Uint32N(100) < h.n.loss.Load() {
			h.n.lost.Add(1)
			continue
		}
		h.n.carried.Add(1)
		_, _ = to.tun.Write(packet[:size]) // a host that is being closed loses it
	}
}

// reaches returns the host with an address if it is on the same side.
func (n *network) reaches(from *host, to netip.Addr) *host {
	n.mu.RLock()
	defer n.mu.RUnlock()
	h := n.hosts[to]
	if h == nil || n.sides[from] != n.sides[h] {
		return nil
	}
	return h
}

// partition puts hosts on a side of their own; without any, all are together again.
func (n *network) partition(hosts ...*host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.sides)
	for _, h := range hosts {
		n.sides[h] = 1
	}
}

// addr returns 10.77.net.number.
func addr(net, number int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24|77<<16|uint32(net)<<8|uint32(number))
	return netip.AddrFrom4(b)
}
