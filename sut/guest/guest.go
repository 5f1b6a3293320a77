// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// bootTimeout is from the start of the kernel to SCTP being loaded: 1.5 s on an idle machine, 15 s have been seen
	// on one with seven times more work than processors.
	bootTimeout = 60 * time.Second
	// tailSize is how much of a log goes into an error.
	tailSize = 2000
	// maxRegistrars keeps registrar addresses below the range that this side may bind.
	maxRegistrars = 100
)

// Config says what a guest runs. The zero value is a guest without registrars.
type Config struct {
	// Registrars is how many registrars run, each at an address of its own. With more than one they find each other by
	// multicast, inside the guest.
	Registrars int
	// Addresses is how many addresses the guest has at least, beside those of registrars: for registrars and elements
	// that Spawn starts. There is always one for each registrar, and one in any case.
	Addresses int
	// RegistrarArgs are options of rspregistrar, after those that this package gives.
	RegistrarArgs []string
	// LogLevel is rspregistrar's, at least 5 (every transaction); 9 shows every message.
	LogLevel int
	// Dir, if set, is where Guest.Dir is made, and kept after Close, as evidence. Its path should be short, as it holds
	// sockets. Default is a directory in os.TempDir that Close removes.
	Dir string
}

// Guest is a running guest.
type Guest struct {
	img     *Image
	config  Config
	network network
	dir     string
	link    *link
	control *channel
	kernel  *kernel
	outputs atomic.Uint64 // names of output files

	mu         sync.Mutex // guards registrars, and lets one start, stop or reset run at a time
	registrars []*Process

	closeOnce sync.Once
	closeErr  error
}

// Start boots a guest and returns when its registrars listen on SCTP. ctx bounds the start only: a guest runs until
// Close, or until this process ends, however it ends. It needs root and a namespace made by Isolate.
func (img *Image) Start(ctx context.Context, c Config) (*Guest, error) {
	if !Isolated() {
		return nil, ErrNotIsolated
	}
	for what, n := range map[string]int{"registrars": c.Registrars, "addresses": c.Addresses} {
		if n < 0 || n > maxRegistrars {
			return nil, fmt.Errorf("guest: %d %s: not in 0..%d", n, what, maxRegistrars)
		}
	}
	g := &Guest{img: img, config: c}
	if err := g.boot(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("guest: start: %w", err), g.Close())
	}
	if err := g.StartRegistrars(ctx); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// boot makes the directory, the network and the kernel, and waits for the agent. What it made before a failure is
// removed by Close.
func (g *Guest) boot(ctx context.Context) error {
	if g.config.Dir != "" {
		if err := os.MkdirAll(g.config.Dir, 0o755); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp(g.config.Dir, "rspthreat-guest-")
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	g.dir = dir
	if err := g.connect(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootTimeout, fmt.Errorf("no agent after %v", bootTimeout))
	defer cancel()
	if err = g.control.waitReady(ctx); err == nil {
		err = g.control.do(ctx, request{Op: opSetup, Setup: g.setup()})
	}
	if err != nil && !errors.Is(err, errAgent) {
		return fmt.Errorf("%w\nconsole: %s", err, g.consoleTail())
	}
	return err
}

// connect makes the network and the serial line, and starts the kernel at the other end of both.
func (g *Guest) connect(ctx context.Context) error {
	tap, network, err := openTap(ctx)
	if err != nil {
		return err
	}
	g.network = network
	conn, wire, err := socketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return errors.Join(err, tap.Close())
	}
	defer wire.Close() // the kernel process has its own descriptor
	g.link = newLink(tap, conn)
	conn, serial, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	defer serial.Close() // as above
	g.control = newChannel(conn)
	g.kernel, err = startKernel(g.img, g.dir, serial, wire)
	return err
}

func (g *Guest) setup() *setup {
	s := &setup{
		Dir:      g.dir,
		Modprobe: g.img.path(modprobePath),
		Gateway:  g.network.host().String(),
		Env:      g.img.env(),
	}
	for _, a := range g.Addrs() {
		s.Addrs = append(s.Addrs, netip.PrefixFrom(a, 24).String())
	}
	return s
}

// Addrs are the guest's addresses: one for each registrar first, then those that Config.Addresses adds.
func (g *Guest) Addrs() []netip.Addr {
	list := make([]netip.Addr, max(1, g.config.Registrars, g.config.Addresses))
	for i := range list {
		list[i] = g.network.registrar(i)
	}
	return list
}

// Host is this side's address on the guest's network.
func (g *Guest) Host() netip.Addr { return g.network.host() }

// Bindable are further addresses of this side: any of them may be bound, none needs to be added.
func (g *Guest) Bindable() netip.Prefix { return g.network.bindable() }

// Interface is the device to capture on.
func (g *Guest) Interface() string { return g.network.tap }

// Namespace is the file of the network namespace, for nsenter --net=FILE.
func (g *Guest) Namespace() string { return fmt.Sprintf("/proc/%d/ns/net", os.Getpid()) }

// Dir is the directory that both sides may write, by the same path.
func (g *Guest) Dir() string { return g.dir }

// Done is closed when the guest has ended, by Close or by itself.
func (g *Guest) Done() <-chan struct{} { return g.kernel.done }

// Close powers the guest off and removes what Start made. It may be called more than once.
func (g *Guest) Close() error {
	g.closeOnce.Do(func() {
		grace := powerOffTimeout
		if g.control != nil {
			if !g.control.isReady() {
				grace = 0 // nobody is there who would power off
			}
			g.closeErr = g.control.close()
		}
		if g.kernel != nil {
			g.closeErr = errors.Join(g.closeErr, g.kernel.stop(grace))
		}
		if g.link != nil {
			g.closeErr = errors.Join(g.closeErr, g.link.close())
		}
		if g.dir != "" && g.config.Dir == "" {
			g.closeErr = errors.Join(g.closeErr, os.RemoveAll(g.dir))
		}
	})
	return g.closeErr
}

// Console is what the guest's kernel and agent have printed.
func (g *Guest) Console() (string, error) {
	b, err := os.ReadFile(filepath.Join(g.dir, consoleFile))
	return string(b), err
}

func (g *Guest) consoleTail() string { return tail(filepath.Join(g.dir, consoleFile)) }

// tail is the end of a file, for an error message; an unreadable file is said so there.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close() // only read
	if st, err := f.Stat(); err == nil && st.Size() > tailSize {
		_, _ = f.Seek(-tailSize, io.SeekEnd) // otherwise the beginning is shown
	}
	b, err := io.ReadAll(io.LimitReader(f, tailSize))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
