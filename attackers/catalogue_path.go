// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// relay puts position between whoever comes to o.Listen and the first TCP door, for o.For.
func (o *Order) relay(ctx context.Context, position func(net.Conn) net.Conn) error {
	if err := o.needs("--listen", o.Listen.IsValid()); err != nil {
		return err
	}
	for _, door := range o.Doors {
		if door.Transport != association.TCP {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, o.For)
		defer cancel()
		r := Relay{Site: o.Site, Listen: o.Listen, To: door, Position: position}
		at, err := r.Open(ctx)
		if err != nil {
			return err
		}
		o.Say(fmt.Sprintf("relaying from %s to %s at %s for %s", at, door, door.Addr, o.For))
		r.Close()
		if r.Passed() == 0 {
			return fmt.Errorf("%w: nobody came", ErrNotMade)
		}
		return nil
	}
	return fmt.Errorf("%w: a TCP door to relay to", ErrOrder)
}

// pace is the time between two tamperings, so that a node has sent something meanwhile.
const pace = 200 * time.Millisecond

func runTamperer(ctx context.Context, o *Order) error {
	t := &Tamperer{}
	tampering, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ways := []Tampering{Flip(nil, 0, 0), Cut(), Swap(), Repeat()}
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for n := 0; ; n++ {
			t.Tamper(Sent, ways[n%len(ways)])
			select {
			case <-tick.C:
			case <-tampering.Done():
				return
			}
		}
	})
	err := o.relay(ctx, t.Position)
	cancel()
	running.Wait()
	for _, d := range t.Done() {
		o.Say(d.String())
	}
	return err
}

func runEavesdropper(ctx context.Context, o *Order) error {
	ear := &Eavesdropper{}
	err := o.relay(ctx, func(c net.Conn) net.Conn { return &overhearing{Conn: c, ear: ear} })
	octets, _ := ear.Overheard()
	v, _ := o.victim()
	read := "nothing of what it looked for"
	if found := ear.Reads(Secrets(o.Pool, &v.PE)); len(found) > 0 {
		read = strings.Join(found, ", ")
	}
	o.Say(fmt.Sprintf("%d octets overheard; it can read %s", octets, read))
	return err
}

// overhearing tells an eavesdropper what passes.
type overhearing struct {
	net.Conn
	ear *Eavesdropper
}

// Read tells what the system sent.
func (c *overhearing) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tell(false, b[:n])
	return n, err
}

// Write tells what the node sent.
func (c *overhearing) Write(b []byte) (int, error) {
	c.tell(true, b)
	return c.Conn.Write(b)
}

func (c *overhearing) tell(outbound bool, b []byte) {
	c.ear.Record(association.Record{
		Kind: association.RecordData, Transport: association.TCP, Outbound: outbound, Data: b,
		Local: addrPort(c.LocalAddr()), Remote: addrPort(c.RemoteAddr()),
	})
}

func addrPort(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return t.AddrPort()
}
