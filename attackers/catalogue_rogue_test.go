// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestRogueRegistrarStandsByItself, takes in who falls for it, and says what it was told.
func TestRogueRegistrarStandsByItself(t *testing.T) {
	a, err := Find("rogue-registrar")
	if err != nil {
		t.Fatal(err)
	}
	where, _ := site(t, patience)
	if err := a.Run(t.Context(), &Order{Site: where}); !errors.Is(err, ErrOrder) {
		t.Errorf("without a place: %v", err)
	}
	at := netip.AddrPortFrom(host(), 3864)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	said, stands := "", make(chan struct{})
	o := &Order{Site: where, Pool: "EchoPool", Listen: at, For: patience, Say: func(line string) {
		if said == "" {
			close(stands)
		}
		said += line + "\n"
	}}
	standing, leave := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(standing, o) }()
	<-stands
	n, err := script.Open(ctx, script.Options{
		Name: "pe", Peer: "registrar", Local: host(), Wire: wire.Strict(), Recorder: &evidence{},
		Door: script.Door{Protocol: wire.ASAP, Transport: association.SCTPUDP, Secured: true, Addr: at},
		TLS:  &tlspsk.Config{PSKIdentity: alice, PSKKey: DefaultKey(alice)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Abort()
	if _, err := n.Request(ctx, registration(), Accepts); err != nil {
		t.Error(err)
	}
	leave()
	if err := <-ended; err != nil || !strings.Contains(said, "told ASAP_REGISTRATION") {
		t.Errorf("it says %q, %v", said, err)
	}
}
