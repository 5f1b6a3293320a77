// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestDowngraderWorksByItself: who comes with a TLS library refuses the suite.
func TestDowngraderWorksByItself(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at := host()
	door := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(at, 3864)}
	lines := make(chan string, 8)
	o := &Order{
		Site:   Site{Doors: []script.Door{door}, Local: func() netip.Addr { return at }, Wire: wire.Strict()},
		Listen: door.Addr, For: patience, Say: func(line string) { lines <- line },
	}
	waiting, attacking := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- runDowngrader(waiting, o) }()
	<-lines                                                                                            // it stands
	client := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // the suite is what it looks at
	if c, err := client.DialContext(ctx, "tcp", door.Addr.String()); err == nil {
		c.Close()
		t.Error("the client agreed to a suite that protects nothing")
	}
	if line := <-lines; !strings.Contains(line, "alert") {
		t.Errorf("it says %q", line)
	}
	attacking()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := runDowngrader(ctx, &Order{}); !errors.Is(err, ErrOrder) {
		t.Errorf("without --listen: %v", err)
	}
	if err := runTicketHolder(ctx, &Order{}); !errors.Is(err, ErrOrder) {
		t.Errorf("without a key: %v", err)
	}
}
