// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// childTimeout is how long a command may take to end after SIGTERM: a run of checks writes its reports first.
const childTimeout = 30 * time.Second

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Supervise starts a guest, runs a command beside it, in the same namespace and with ControlEnv set, and closes the guest
// when the command has ended. An empty command means: until ctx is done. When ctx is done the command gets SIGTERM. A
// command that fails gives an error that wraps its *exec.ExitError.
func (img *Image) Supervise(ctx context.Context, c Config, argv []string, s Streams) (err error) {
	g, err := img.Start(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	control, err := g.Serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, control.Close()) }()
	_, err = fmt.Fprintf(s.Err, "guest: registrars %v, this side %v and any of %v on %s, namespace %s, %s=%s, log %s\n",
		g.Addrs(), g.Host(), g.Bindable(), g.Interface(), g.Namespace(), ControlEnv, control.Path(), g.Dir())
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	if len(argv) == 0 {
		select {
		case <-ctx.Done():
			return nil
		case <-g.Done():
			return fmt.Errorf("%w: %s", ErrEnded, g.consoleTail())
		}
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.In, s.Out, s.Err
	cmd.Env = append(os.Environ(), ControlEnv+"="+control.Path())
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childTimeout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("guest: %s: %w", argv[0], err)
	}
	return nil
}
