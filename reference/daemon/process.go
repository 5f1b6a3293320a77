// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"
)

// How long the graceful end may take; after it associations are aborted.
const (
	// registrarClose is for a SHUTDOWN that is lost and sent again after a second. A far end
	// that is dead holds up the end of a registrar for as long.
	registrarClose = 3 * time.Second
	// elementClose is what an element waits for its deregistrations, for its associations,
	// and a second.
	elementClose = 8 * time.Second
	userClose    = 3 * time.Second // as for a registrar
)

// Process is what a daemon has of the process that it runs in.
type Process struct {
	Stdin  io.Reader        // read by User only
	Stdout io.Writer        // written by User only
	Stderr io.Writer        // for logs and notices
	Reload <-chan os.Signal // each value has keys and certificates read again; nil: never
}

// serve waits for the end of ctx, and reloads whenever p says so. What reload returns as an
// error has changed nothing.
func (p *Process) serve(ctx context.Context, log *slog.Logger, counts *reloads, reload func() error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Reload:
		}
		err := reload()
		counts.add(err)
		if err != nil {
			log.Error("reload failed: keys and certificate stay as they are", "error", err)
		}
	}
}

// closing gives the end of a daemon its time, although ctx has ended.
func closing(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// What a reload cannot change, because the doors that are open depend on it.
var (
	errSecurity    = errors.New("security cannot change while the daemon runs")
	errCertificate = errors.New("certificate_file cannot come or go while the daemon runs")
)
