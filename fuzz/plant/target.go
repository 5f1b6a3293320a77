// SPDX-License-Identifier: Apache-2.0

// Package plant is a registrar with bugs planted in it, for the tests of the fuzzer: each has to be
// found, and nothing may be found in the registrar without them. Bugs are what is put around the
// reference, before its decoder, behind its encoder, or in place of one of its defences; the
// reference itself has none of them.
package plant

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// Target is a registrar in this process that behaves like a process of its own: when it panics it
// ends, says why, and can be started again.
type Target struct {
	Bug Bug
	// Response is how long an answer may take.
	Response time.Duration
	// Address has the doors; the zero value stands for an address of 127.0.0.0/8 that nobody has.
	Address netip.Addr

	authority *sut.Authority
	server    tls.Certificate
	creds     sut.Credentials
	life      *life
}

// What the registrar is called, and the pools that it has.
const (
	serverName = "registrar.rspthreat.test"
	pool       = "EchoPool"
	otherPool  = "PrivatePool"
	serverID   = wire.ServerID(0x0a0b0c0d)
)

// NewTarget makes keys and a certificate for a registrar with the bug.
func NewTarget(b Bug, response time.Duration) (*Target, error) {
	t := &Target{Bug: b, Response: response}
	var err error
	if t.authority, err = sut.NewAuthority("rspthreat run CA"); err != nil {
		return nil, err
	}
	t.server, err = t.authority.Server(serverName)
	return t, err
}

func key(name string) *sut.PSK {
	return &sut.PSK{Identity: name, Key: []byte("a key of 32 octets for " + (name + ".........")[:9])}
}

func (t *Target) keys() (*registrar.Keys, error) {
	t.creds = sut.Credentials{
		Element: key("pe-alice"), Other: key("pe-bob"), Restricted: key("pe-carol"), Peer: key("registrar-2"),
		RootCAs: x509.NewCertPool(), ServerName: serverName,
	}
	t.creds.RootCAs.AddCert(t.authority.Certificate)
	element := func(p string) registrar.Grant { return registrar.Grant{Role: registrar.RolePE, Pools: []string{p}} }
	grants := []registrar.Grant{element(pool), element(pool), element(otherPool), {Role: registrar.RoleRegistrar}}
	list := make([]registrar.Identity, 0, len(grants))
	for i, k := range t.creds.Keys() {
		list = append(list, registrar.Identity{Name: k.Identity, Key: k.Key, Grant: grants[i]})
	}
	return registrar.NewKeys(list...)
}

// Start ends the registrar, if it runs, and starts a new one.
func (t *Target) Start(ctx context.Context) (*link.System, error) {
	if err := t.Close(ctx); err != nil {
		return nil, err
	}
	keys, err := t.keys()
	if err != nil {
		return nil, err
	}
	defences := registrar.NewDefences()
	cfg := registrar.Config{
		ServerID: serverID, Keys: keys, Defences: &defences,
		Timers: registrar.Timers{KeepAlive: 30 * time.Second, KeepAliveTimeout: 400 * time.Millisecond, KeepAliveSpacing: 50 * time.Millisecond},
	}
	if t.Bug.Clear {
		cfg.Mode = registrar.Insecure
	}
	if t.Bug.Config != nil {
		t.Bug.Config(&cfg)
	}
	l := &life{bug: &t.Bug, done: make(chan struct{})}
	if l.registrar, err = registrar.New(cfg); err != nil {
		return nil, err
	}
	if l.bugState = newState(l.done); t.Bug.New != nil {
		l.hooks = t.Bug.New(l.bugState)
	}
	var serving context.Context
	serving, l.cancel = context.WithCancel(context.Background())
	t.life = l
	doors, err := t.listen(ctx, serving)
	if err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	return &link.System{
		Secured: !t.Bug.Clear, Doors: doors, Credentials: t.creds, Pool: pool, OtherPool: otherPool,
		Response: t.Response, Removal: time.Second,
	}, nil
}

// listen opens the doors at an address that nobody has.
func (t *Target) listen(ctx, serving context.Context) ([]sut.Door, error) {
	doors := []sut.Door{
		{Protocol: wire.ASAP, Transport: association.TCP, Secured: true},
		{Protocol: wire.ENRP, Transport: association.TCP, Secured: true},
		{Protocol: wire.ASAP, Transport: association.TCP},
		{Protocol: wire.ENRP, Transport: association.TCP},
	}
	if t.Bug.Clear {
		doors = doors[2:]
	}
	const attempts = 16
	for try := 0; ; try++ {
		at := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(254)), byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
		if t.Address.IsValid() {
			at = t.Address
		}
		err := t.open(ctx, serving, doors, at)
		if err == nil || try == attempts || !errors.Is(err, syscall.EADDRINUSE) {
			return doors, err
		}
	}
}

func (t *Target) open(ctx, serving context.Context, doors []sut.Door, at netip.Addr) error {
	for i := range doors {
		d := &doors[i]
		c := association.ListenConfig{Transport: association.TCP, Addr: netip.AddrPortFrom(at, 0), PPID: d.Protocol.PPID()}
		if d.Secured {
			c.TLS = &tlspsk.Config{Lookup: t.lookup}
			if d.Protocol == wire.ASAP {
				c.TLS.Certificates = &tls.Config{Certificates: []tls.Certificate{t.server}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
			}
		}
		l, err := association.Listen(ctx, c)
		if err != nil {
			return err
		}
		d.Addr = l.Addr()
		life := t.life // which the next Start replaces
		life.listeners = append(life.listeners, l)
		life.wg.Go(func() { life.accept(serving, l, d.Protocol) })
	}
	return nil
}

func (t *Target) lookup(identity string) []byte {
	for _, k := range t.creds.Keys() {
		if k.Identity == identity {
			return append([]byte(nil), k.Key...)
		}
	}
	return nil
}

// Restarts reports true.
func (t *Target) Restarts() bool { return true }

// Process returns the registrar as if it were a process.
func (t *Target) Process() monitor.Process {
	if t.life == nil {
		return nil
	}
	return t.life
}

// Close ends the registrar.
func (t *Target) Close(context.Context) error {
	if t.life == nil {
		return nil
	}
	l := t.life
	t.life = nil
	l.end("")
	l.wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return l.registrar.Close(ctx)
}

// life is one life of the registrar.
type life struct {
	bug       *Bug
	bugState  *State
	hooks     Hooks
	registrar *registrar.Registrar
	listeners []association.Listener
	cancel    context.CancelFunc
	wg        sync.WaitGroup

	mu     sync.Mutex
	ended  bool
	how    string
	output []string
	done   chan struct{}
}

func (l *life) accept(ctx context.Context, from association.Listener, p wire.Protocol) {
	for {
		a, err := from.Accept(ctx)
		if err != nil {
			return
		}
		l.wg.Go(func() { l.serve(ctx, a, p) })
	}
}

func (l *life) serve(ctx context.Context, a association.Association, p wire.Protocol) {
	defer func() {
		if cause := recover(); cause != nil {
			_ = a.Abort("dead")
			l.die(cause, debug.Stack())
		}
	}()
	l.registrar.Serve(ctx, &around{Association: a, life: l, protocol: p}, p)
}

// die is what the runtime does when a goroutine panics.
func (l *life) die(cause any, stack []byte) {
	l.mu.Lock()
	l.output = append(l.output, fmt.Sprintf("panic: %v", cause), "")
	text := string(stack)
	if _, after, ok := strings.Cut(text, "panic("); ok { // below it is who panicked
		_, text, _ = strings.Cut(after, "\n")
		_, text, _ = strings.Cut(text, "\n")
	}
	l.output = append(l.output, strings.Split(text, "\n")...)
	l.mu.Unlock()
	go l.end("exit status 2")
}

func (l *life) end(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended, l.how = true, how
	for _, from := range l.listeners {
		_ = from.Close()
	}
	l.cancel()
	close(l.done)
}

// Done is closed when the registrar has ended.
func (l *life) Done() <-chan struct{} { return l.done }

// Exited tells how it ended.
func (l *life) Exited() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.how, l.ended
}

// Memory is what the bug has hoarded, beside what a registrar needs.
func (l *life) Memory() (int64, bool) {
	const needs = 20 << 20
	return needs + l.bugState.hoarded.Load(), true
}

// Output is what it said when it died.
func (l *life) Output() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.output...)
}

// around puts the bug around an association.
type around struct {
	association.Association
	life     *life
	protocol wire.Protocol
}

// Receive lets the bug see a message before the decoder does.
func (a *around) Receive(ctx context.Context) (association.Message, error) {
	m, err := a.Association.Receive(ctx)
	if err == nil && a.life.hooks.Receive != nil {
		a.life.hooks.Receive(a.protocol, &m, a.Association)
	}
	return m, err
}

// Send lets the bug change what is said.
func (a *around) Send(ctx context.Context, m association.Message) error {
	if a.life.hooks.Send == nil {
		return a.Association.Send(ctx, m)
	}
	for _, out := range a.life.hooks.Send(a.protocol, m) {
		if err := a.Association.Send(ctx, out); err != nil {
			return err
		}
	}
	return nil
}
