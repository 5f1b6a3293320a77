//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

const (
	// patience bounds one test: rsplib's timers have a resolution of a second, and the machine may be busy.
	patience = 2 * time.Minute
	// soon bounds what takes a second when the machine is idle.
	soon = 20 * time.Second
	// poll is how often a state is looked at that nothing tells about.
	poll = 20 * time.Millisecond

	pool = "EchoPool"
)

// The guest's addresses, in the order of guest.Guest.Addrs.
const (
	firstRegistrar = iota
	secondRegistrar
	firstElement
	secondElement
	aUser
)

// rsplib's registrars, as options -identifier: one below and one above ours.
const (
	smallID wire.ServerID = 0x00000111
	ourID   wire.ServerID = 0x00002222
	largeID wire.ServerID = 0x00003333
)

// bed is what one test has of the guest: processes that end with the test.
type bed struct {
	*testing.T
	ctx context.Context
}

func newBed(t *testing.T) *bed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &bed{t, ctx}
}

func addr(i int) netip.Addr { return vm.Addrs()[i] }

func at(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

// here is address i of this side, from 0.
func here(i int) netip.Addr {
	a := vm.Bindable().Addr()
	for range i + 1 {
		a = a.Next()
	}
	return a
}

// spawn starts a command in the guest that ends with the test. What it wrote is shown when the test fails.
func (b *bed) spawn(argv ...string) *guest.Process {
	b.Helper()
	p, err := vm.Spawn(b.ctx, argv...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := p.Kill(); err != nil {
			b.Error(err)
		}
		if b.Failed() {
			b.Logf("%s\n%s", p, output(b, p))
		}
	})
	return p
}

// output is what a process has written so far.
func output(b *bed, p *guest.Process) string {
	b.Helper()
	out, err := p.Stdout()
	if err != nil {
		b.Error(err)
	}
	logged, err := p.Stderr()
	if err != nil {
		b.Error(err)
	}
	return out + logged
}

// rspregistrar starts a registrar of rsplib at an address of the guest, with short timers and without multicast, and
// returns when it listens.
func (b *bed) rspregistrar(i int, id wire.ServerID, options ...string) *guest.Process {
	b.Helper()
	asap, enrp := at(addr(i), guest.ASAPPort), at(addr(i), guest.ENRPPort)
	p := b.spawn(append([]string{
		"rspregistrar", "-asap=" + asap.String(), "-enrp=" + enrp.String(), fmt.Sprintf("-identifier=0x%08x", uint32(id)),
		"-disable-ipv6", "-minaddressscope=sitelocal", "-logcolor=off", "-loglevel=6",
		"-asapannounce=off", "-enrpannounce=off",
		"-endpointkeepalivetransmissioninterval=1000", "-endpointkeepalivetimeoutinterval=2000",
		"-peerheartbeatcycle=1000", "-peermaxtimelastheard=3000", "-peermaxtimenoresponse=1000", "-takeoverexpiryinterval=3000",
	}, options...)...)
	if err := vm.Listening(b.ctx, p, asap, enrp); err != nil {
		b.Fatal(err)
	}
	return p
}

// rspserver starts rsplib's echo element at an address of the guest.
func (b *bed) rspserver(i int, id wire.PEID, registrar netip.Addr, options ...string) *guest.Process {
	b.Helper()
	return b.spawn(append([]string{
		"rspserver", "-echo", "-poolhandle=" + pool, fmt.Sprintf("-identifier=0x%08x", uint32(id)),
		"-local=" + at(addr(i), 0).String(), "-registrar=" + at(registrar, guest.ASAPPort).String(),
		"-asapannounce=off", "-logcolor=off", "-loglevel=6",
	}, options...)...)
}

// rspterminal runs rsplib's user at a registrar.
func (b *bed) rspterminal(registrar netip.Addr, line, want string) {
	b.Helper()
	b.terminal(line, want, "-registrar="+at(registrar, guest.ASAPPort).String(), "-asapannounce=off")
}

// terminal runs rsplib's user, which sends one line, until it has printed the wanted text.
func (b *bed) terminal(line, want string, options ...string) {
	b.Helper()
	argv := append([]string{"rspterminal", "-poolhandle=" + pool, "-logcolor=off", "-loglevel=6"}, options...)
	// It ends with its input, and may then not have heard the answer.
	p := b.spawn("sh", "-c", fmt.Sprintf("(echo %s; sleep %d) | exec %s", line, int(patience.Seconds()), strings.Join(argv, " ")))
	b.await("rspterminal prints "+want, func() bool { return strings.Contains(output(b, p), want) })
	if err := p.Kill(); err != nil {
		b.Error(err)
	}
}

// await waits until a condition holds.
func (b *bed) await(what string, condition func() bool) {
	b.Helper()
	limit := time.After(soon)
	for !condition() {
		select {
		case <-limit:
			b.Fatalf("not within %v: %s", soon, what)
		case <-time.After(poll):
		}
	}
}

// logs is a log that is shown when the test fails.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (b *bed) log(name string) *logs {
	l := &logs{}
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("%s\n%s", name, l)
		}
	})
	return l
}

func logger(l *logs) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// ours is one of our registrars at an address of this side.
type ours struct {
	*registrar.Registrar
	log *logs
}

// registrar starts one of ours, with short timers, in the dialect of rsplib unless change says otherwise.
func (b *bed) registrar(a netip.Addr, change func(*registrar.Config)) *ours {
	b.Helper()
	l := b.log("our registrar at " + a.String())
	cfg := registrar.Config{
		ServerID: ourID, Mode: registrar.Insecure, Wire: wire.Rsplib(), Arbitration: registrar.SmallerIDWins, DialFromDoor: true,
		Doors: []registrar.Door{
			{Protocol: wire.ASAP, Transport: association.SCTP, Addr: at(a, guest.ASAPPort)},
			{Protocol: wire.ENRP, Transport: association.SCTP, Addr: at(a, guest.ENRPPort)},
		},
		Timers: registrar.Timers{
			KeepAlive: time.Second, KeepAliveTimeout: 5 * time.Second,
			PeerHeartbeat: time.Second, MaxTimeLastHeard: 3 * time.Second, MaxTimeNoResponse: 2 * time.Second,
			MentorRetry: 500 * time.Millisecond, PeerRedial: 500 * time.Millisecond,
		},
		Logger: logger(l),
	}
	if change != nil {
		change(&cfg)
	}
	r, err := registrar.Start(b.ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			b.Error(err)
		}
	})
	return &ours{r, l}
}

// inService waits until the start-up of our registrar is over: only then it takes registrations, and knows its peers.
func (b *bed) inService(r *ours) {
	b.Helper()
	select {
	case <-r.InService():
	case <-time.After(soon):
		b.Fatalf("not within %v: our registrar is in service", soon)
	}
}

// element looks an element of the test's pool up; ok is false when it is not there.
func (r *ours) element(id wire.PEID) (e handlespace.Element, ok bool) {
	for _, e := range r.Snapshot() {
		if e.Handle == pool && e.PE.ID == id {
			return e, true
		}
	}
	return handlespace.Element{}, false
}

// file writes the configuration of a daemon where the guest can read it.
func (b *bed) file(kind, text string) string {
	b.Helper()
	f, err := os.CreateTemp(vm.Dir(), kind+"-*.yaml")
	if err != nil {
		b.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.Remove(f.Name()) }) // goes with the guest's directory in any case
	return f.Name()
}
