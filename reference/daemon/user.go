// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
)

// Run opens a session with an element of the pool, sends it the lines of the input, one a
// message, and prints what comes back, one message a line. A failover is told on stderr
// before anything goes to the next element. Run ends with ctx, or after the end of the
// input when no more answers come. The goroutine that reads the input may stay until the
// input ends, because nothing can end a read from a terminal.
func (c *User) Run(ctx context.Context, p Process) error {
	stderr := &serial{w: p.Stderr}
	log := c.logger(stderr)
	cfg := c.config
	cfg.Logger = log
	u, err := pooluser.New(ctx, cfg)
	if err != nil {
		return err
	}
	stop, err := serveMetrics(ctx, c.metrics, log, newCollector("user", u.Stats, userMetrics()))
	if err != nil {
		stop = func(context.Context) error { return nil }
	} else {
		err = c.converse(ctx, u, p, stderr)
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil // that is how it is told to end
		}
	}
	ending, cancel := closing(ctx, userClose)
	defer cancel()
	return errors.Join(err, u.Close(ending), stop(ending))
}

// converse holds the session until it, the input or ctx ends.
func (c *User) converse(ctx context.Context, u *pooluser.User, p Process, stderr io.Writer) error {
	s, err := u.Open(ctx, c.pool, pooluser.OnFailover(func(_ context.Context, f pooluser.Failover) error {
		_, err := fmt.Fprintf(stderr, "failover in %q from %s to %s (%s): %v\n", f.Pool, f.From.ID, f.To.ID, f.Context, f.Cause)
		return err
	}))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	heard, received := make(chan struct{}, 1), make(chan error, 1)
	var receiving sync.WaitGroup
	receiving.Go(func() { received <- receive(ctx, s, p.Stdout, heard) })
	lines := make(chan line)
	go read(ctx, p.Stdin, lines)
	err = send(ctx, s, lines, received)
	if err == nil {
		err = c.wait(ctx, heard, received)
	}
	cancel()
	receiving.Wait()
	ending, stop := closing(ctx, userClose)
	defer stop()
	return errors.Join(err, s.Close(ending))
}

// line is one line of the input, or what ended it.
type line struct {
	text []byte
	err  error
}

// read splits the input into lines until it or ctx ends.
func read(ctx context.Context, in io.Reader, lines chan<- line) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, channel.MaxData)
	say := func(l line) bool {
		select {
		case lines <- l:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for scanner.Scan() {
		if !say(line{text: append([]byte(nil), scanner.Bytes()...)}) {
			return
		}
	}
	err := scanner.Err()
	if err == nil {
		err = io.EOF
	}
	say(line{err: err})
}

// send sends lines until the input ends, which is no error, or receiving fails, which is
// how the end of the session shows. Empty lines cannot be sent.
func send(ctx context.Context, s *pooluser.Session, lines <-chan line, received <-chan error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-received:
			return err
		case l := <-lines:
			switch {
			case errors.Is(l.err, io.EOF):
				return nil
			case l.err != nil:
				return fmt.Errorf("input: %w", l.err)
			case len(l.text) == 0:
				continue
			}
			if err := s.Send(ctx, l.text); err != nil {
				return err
			}
		}
	}
}

// receive prints what elements send until the session ends.
func receive(ctx context.Context, s *pooluser.Session, out io.Writer, heard chan<- struct{}) error {
	for {
		m, err := s.Receive(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", m.Data); err != nil {
			return fmt.Errorf("output: %w", err)
		}
		select {
		case heard <- struct{}{}:
		default: // wait has not yet seen the last one
		}
	}
}

// wait lets answers come until there are no more for a while.
func (c *User) wait(ctx context.Context, heard <-chan struct{}, received <-chan error) error {
	quiet := time.NewTimer(c.linger)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-received:
			return err
		case <-heard:
			quiet.Reset(c.linger)
		case <-quiet.C:
			return nil
		}
	}
}

// serial lets logs and notices go to the same writer.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

func userMetrics() []metric[pooluser.Stats] {
	type stats = pooluser.Stats
	return []metric[stats]{
		counter("hunts_total", "Server hunts begun.", func(s *stats) uint64 { return s.Hunts }),
		counter("registrars_refused_total", "Registrars that could not be reached or did not authenticate themselves.", func(s *stats) uint64 { return s.RegistrarsRefused }),
		counter("requests_total", "Handle resolutions sent, with repetitions.", func(s *stats) uint64 { return s.Requests }),
		counter("policies_refused_total", "Elements not used because a registrar showed them otherwise than they signed.", func(s *stats) uint64 { return s.PoliciesRefused }),
		counter("proofs_total", "Proofs of selection sent to elements.", func(s *stats) uint64 { return s.Proofs }),
		counter("cache_hits_total", "Resolutions that asked nobody.", func(s *stats) uint64 { return s.CacheHits }),
		counter("reports_total", "Elements reported as unreachable.", func(s *stats) uint64 { return s.Reports }),
		counter("reports_suppressed_total", "Reports of unreachable elements that were not sent.", func(s *stats) uint64 { return s.ReportsSuppressed }),
		counter("failovers_total", "Failovers to another element.", func(s *stats) uint64 { return s.Failovers }),
		counter("elements_refused_total", "Elements left for their security.", func(s *stats) uint64 { return s.ElementsRefused }),
		counter("malformed_total", "Messages that cost a registrar or an element its association.", func(s *stats) uint64 { return s.Malformed }),
	}
}
