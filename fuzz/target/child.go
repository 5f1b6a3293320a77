// SPDX-License-Identifier: Apache-2.0

package target

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/sut"
)

// Child is a system that is a process of the fuzzer's own. The process says on its standard
// output how it is reached, see Describe, and ends with its standard input.
type Child struct {
	Command []string
	Env     []string // beside the fuzzer's own

	system  *link.System
	process *process
}

// Errors of a child.
var (
	ErrChild = errors.New("the process of the system under test")
	errSlow  = errors.New("does not say how it is reached")
)

const (
	// childStart is how long a process may take to say how it is reached: it makes keys and a
	// certificate, on a machine that does other work.
	childStart = 20 * time.Second
	// childEnd is how long it may take to end before it is killed.
	childEnd = 3 * time.Second
	// maxDescription bounds what it says on its standard output.
	maxDescription = 1 << 20
	// maxOutput bounds what is kept of its standard error: the first half, where the cause of a
	// death stands, and the last.
	maxOutput = 1 << 20
)

// description is what a process says of itself.
type description struct {
	Secured         bool            `json:"secured"`
	Doors           []sut.Door      `json:"doors"`
	Credentials     map[string]*psk `json:"credentials"`
	Authority       []byte          `json:"authority"` // DER
	ServerName      string          `json:"server_name"`
	Pool, OtherPool string
	Response        time.Duration `json:"response_ns"`
	Removal         time.Duration `json:"removal_ns"`
}

type psk struct {
	Identity string `json:"identity"`
	Key      []byte `json:"key"`
}

// Describe is for the process: it tells the fuzzer how the instance is reached. Authority is the
// certificate that pool users trust, as DER.
func Describe(w io.Writer, i *sut.Instance, authority []byte) error {
	d := description{
		Secured: i.Security == sut.Secured, Doors: i.Doors, Credentials: map[string]*psk{}, Authority: authority,
		ServerName: i.Credentials.ServerName, Pool: i.Pool, OtherPool: i.OtherPool, Response: i.Timers.Response, Removal: i.Timers.Removal,
	}
	for name, key := range map[string]*sut.PSK{
		"element": i.Credentials.Element, "other": i.Credentials.Other, "restricted": i.Credentials.Restricted, "peer": i.Credentials.Peer,
	} {
		if key != nil {
			d.Credentials[name] = &psk{key.Identity, key.Key}
		}
	}
	return json.NewEncoder(w).Encode(d)
}

func (d *description) system() (*link.System, error) {
	key := func(name string) *sut.PSK {
		if k := d.Credentials[name]; k != nil {
			return &sut.PSK{Identity: k.Identity, Key: k.Key}
		}
		return nil
	}
	s := &link.System{
		Secured: d.Secured, Doors: d.Doors, Pool: d.Pool, OtherPool: d.OtherPool, Response: d.Response, Removal: d.Removal,
		Credentials: sut.Credentials{
			Element: key("element"), Other: key("other"), Restricted: key("restricted"), Peer: key("peer"), ServerName: d.ServerName,
		},
	}
	if len(d.Authority) > 0 {
		c, err := x509.ParseCertificate(d.Authority)
		if err != nil {
			return nil, err
		}
		s.Credentials.RootCAs = x509.NewCertPool()
		s.Credentials.RootCAs.AddCert(c)
	}
	if len(s.Doors) == 0 {
		return nil, errors.New("it names no door")
	}
	s.Local = neighbours(s.Doors[0].Addr.Addr())
	return s, nil
}

// neighbours gives the loopback addresses next to base in turn, so that not everything comes from
// one address; elsewhere the choice is the system's.
func neighbours(base netip.Addr) func() netip.Addr {
	if !base.Is4() || !base.IsLoopback() {
		return nil
	}
	var mu sync.Mutex
	n := 0
	return func() netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		b := base.As4()
		b[3] = byte(2 + n%250)
		n++
		return netip.AddrFrom4(b)
	}
}

// Start ends the process, if it runs, and starts a new one.
func (c *Child) Start(ctx context.Context) (*link.System, error) {
	if err := c.Close(ctx); err != nil {
		return nil, err
	}
	p, err := launch(c.Command, c.Env)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrChild, c.Command[0], err)
	}
	c.process = p
	select {
	case line, ok := <-p.said:
		var d description
		if ok {
			err = json.Unmarshal(line, &d)
		} else {
			<-p.done
			how, _ := p.Exited()
			err = fmt.Errorf("ended (%s): %s", how, strings.Join(p.Output(), " / "))
		}
		if err == nil {
			c.system, err = d.system()
		}
	case <-time.After(childStart):
		err = errSlow
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w %s: %w", ErrChild, c.Command[0], err), c.Close(ctx))
	}
	return c.system, nil
}

// Restarts reports true.
func (c *Child) Restarts() bool { return true }

// Process returns the process.
func (c *Child) Process() monitor.Process {
	if c.process == nil {
		return nil
	}
	return c.process
}

// Close ends the process.
func (c *Child) Close(context.Context) error {
	if c.process != nil {
		c.process.end()
		c.process = nil
	}
	return nil
}

// process is a child process.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  chan []byte // its description
	done  chan struct{}
	state *os.ProcessState // valid once done is closed
	out   output
}

func launch(command, env []string) (*process, error) {
	p := &process{cmd: exec.Command(command[0], command[1:]...), said: make(chan []byte, 1), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.out
	p.cmd.WaitDelay = childEnd
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.said)
		r := bufio.NewReader(io.LimitReader(stdout, maxDescription))
		if line, err := r.ReadBytes('\n'); err == nil {
			p.said <- line
		}
		_, _ = io.Copy(io.Discard, stdout) // nothing more is expected
	}()
	go func() {
		<-read
		_ = p.cmd.Wait() // how it ended is in the state
		p.state = p.cmd.ProcessState
		close(p.done)
	}()
	return p, nil
}

func (p *process) end() {
	_ = p.stdin.Close()
	select {
	case <-p.done:
		return
	case <-time.After(childEnd):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Exited tells how the process ended.
func (p *process) Exited() (string, bool) {
	select {
	case <-p.done:
		return p.state.String(), true
	default:
		return "", false
	}
}

// Done is closed when the process has ended.
func (p *process) Done() <-chan struct{} { return p.done }

// Memory returns its resident memory.
func (p *process) Memory() (int64, bool) { return monitor.Resident(p.cmd.Process.Pid) }

// Output returns what it wrote to its standard error.
func (p *process) Output() []string { return p.out.lines() }

// output keeps the first and the last half of what is written to it.
type output struct {
	mu          sync.Mutex
	first, last []byte
	dropped     bool
}

// Write keeps b.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(b), maxOutput/2-len(o.first))
	o.first = append(o.first, b[:n]...)
	o.last = append(o.last, b[n:]...)
	if over := len(o.last) - maxOutput/2; over > 0 {
		o.last = append(o.last[:0], o.last[over:]...)
		o.dropped = true
	}
	return len(b), nil
}

func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := bytes.Clone(o.first)
	if o.dropped {
		text = append(text, "\n(lines left out)\n"...)
	}
	text = bytes.TrimRight(append(text, o.last...), "\n")
	if len(text) == 0 {
		return nil
	}
	return strings.Split(string(text), "\n")
}

// Kill sends the process a signal.
func (p *process) Kill(s os.Signal) error { return p.cmd.Process.Signal(s) }
