// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// inputChunk is how much of its input a process gets at once: less than a pipe holds, and in text less than maxLine.
	inputChunk = 16 << 10
	// outputPoll is how often the output files are looked at: nothing tells this side that the guest has written.
	outputPoll = 5 * time.Millisecond
)

// Attach runs a command in the guest with the streams of this side, such as an adapter of a system under test, and
// returns when it has ended: nil for exit status 0, else ErrExit. When ctx is done first, the command is killed. A
// goroutine may stay in a read of s.In, because nothing can end a read.
func (g *Guest) Attach(ctx context.Context, s Streams, argv ...string) error {
	p, err := spawn(ctx, g.control, g.outputName("command"), argv, true)
	if err != nil {
		return err
	}
	go p.feed(s.In)
	var following sync.WaitGroup
	failed := make([]error, 2)
	for i, out := range []struct {
		file string
		to   io.Writer
	}{{p.stdoutFile(), s.Out}, {p.stderrFile(), s.Err}} {
		following.Go(func() { failed[i] = p.follow(out.file, out.to) })
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		err = errors.Join(fmt.Errorf("guest: %s: %w", p, context.Cause(ctx)), p.Kill())
	}
	following.Wait()
	if err == nil {
		err = p.Err()
	}
	return errors.Join(err, failed[0], failed[1], os.Remove(p.stdoutFile()), os.Remove(p.stderrFile()))
}

// feed gives the process its input. It ends with the input, or when there is nobody any more who would read.
func (p *Process) feed(in io.Reader) {
	data := make([]byte, inputChunk)
	for {
		n, err := in.Read(data)
		if n > 0 && p.input(data[:n]) != nil {
			return
		}
		if err != nil {
			_ = p.input(nil) // a process that has ended needs no end of its input
			return
		}
	}
}

// input waits until the process, or a pipe to it, has taken data, or it has ended.
func (p *Process) input(data []byte) error {
	k, err := p.control.send(request{Op: opInput, Target: p.call.id, Data: data})
	if err != nil {
		return err
	}
	select {
	case <-k.done:
		return k.result()
	case <-p.Done():
		return ErrEnded
	}
}

// follow copies a file until the process has ended and all is read.
func (p *Process) follow(file string, to io.Writer) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	tick := time.NewTicker(outputPoll)
	defer tick.Stop()
	for ended := false; ; {
		if _, err := io.Copy(to, f); err != nil {
			return err
		}
		if ended {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.Done():
			ended = true // once more, for what came meanwhile
		}
	}
}
