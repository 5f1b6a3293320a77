// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestParrotRepeatsWhatItsTargetSaid: who comes to it gets the octets of the target's answer.
func TestParrotRepeatsWhatItsTargetSaid(t *testing.T) {
	granted := &wire.RegistrationResponse{PoolHandle: wire.PoolHandle("EchoPool"), PEID: 0x0badf00d}
	target := open(t, association.TCP, false, &registrar{answer: func(m wire.Message) []wire.Message {
		if _, ok := m.(*wire.Registration); ok {
			return []wire.Message{granted}
		}
		return nil
	}})
	s, _ := site(t, patience, target.door)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lines := make(chan string, 8)
	o := &Order{
		Site: s, Pool: "EchoPool", Element: 7, Listen: netip.AddrPortFrom(host(), 3863), For: patience, Say: func(line string) { lines <- line },
	}
	standing, leave := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- runParrot(standing, o) }()
	<-lines // it stands
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.Listen.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want, err := wire.Encode(granted)
	if err != nil {
		t.Fatal(err)
	}
	question, err := wire.Encode(&wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(question); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
	leave()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(lines)
	var said []string
	for line := range lines {
		said = append(said, line)
	}
	if all := strings.Join(said, "; "); !strings.HasSuffix(all, "1 came") {
		t.Errorf("it says %q", all)
	}
}

// TestEarlyBirdThatReachesNobodyHasNotAttacked: a closed port is no refusal of early data.
func TestEarlyBirdThatReachesNobodyHasNotAttacked(t *testing.T) {
	s, _ := site(t, patience, closed(true))
	o := &Order{Site: s, Pool: "EchoPool", Identity: alice, Key: aliceKey(), Say: func(string) {}}
	if err := runEarlyBird(t.Context(), o); !errors.Is(err, ErrNotMade) {
		t.Errorf("it says %v", err)
	}
}
