// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// endpointsFile lists the SCTP endpoints of the kernel, one a line after a heading.
const endpointsFile = "/proc/net/sctp/eps"

// endpointsPoll is how often the list is read: far below the time a registrar takes to start (about 100 ms), and the
// kernel offers nothing to wait on.
const endpointsPoll = 5 * time.Millisecond

// Columns of a line: ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS...; SST 10 is a listening socket.
const (
	columnState     = 3
	columnPort      = 5
	columnAddresses = 8
	stateListening  = "10"
)

// listening gives the listening endpoints of such a list as "address:port".
func listening(list string) map[string]bool {
	found := make(map[string]bool)
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if len(f) <= columnAddresses || f[columnState] != stateListening {
			continue
		}
		for _, a := range f[columnAddresses:] {
			found[net.JoinHostPort(a, f[columnPort])] = true
		}
	}
	return found
}

// awaitEndpoints returns when every wanted endpoint listens, or with the error of hopeless.
func awaitEndpoints(ctx context.Context, file string, wanted []string, hopeless func() error) error {
	tick := time.NewTicker(endpointsPoll)
	defer tick.Stop()
	for {
		missing, err := missingEndpoints(file, wanted)
		if err != nil || missing == "" {
			return err
		}
		if err := hopeless(); err != nil {
			return fmt.Errorf("no SCTP endpoint at %s: %w", missing, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no SCTP endpoint at %s: %w", missing, ctx.Err())
		}
	}
}

// missingEndpoints names the wanted endpoints that do not listen.
func missingEndpoints(file string, wanted []string) (string, error) {
	list, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	have := listening(string(list))
	var missing []string
	for _, w := range wanted {
		if !have[w] {
			missing = append(missing, w)
		}
	}
	return strings.Join(missing, ", "), nil
}
