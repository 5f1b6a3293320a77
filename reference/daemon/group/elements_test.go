// SPDX-License-Identifier: Apache-2.0

//go:build group

package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// farm is what a process with elements is told: hosts with an address each, and pools that all
// of them join.
type farm struct {
	Hosts      []farmHost
	Pools      int
	Registrars []farmRegistrar
	// Caller is the identity by which registrars come after a takeover.
	Caller, CallerKey string
}

type farmHost struct {
	Addr          netip.Addr
	Identity, Key string
	Number        int
}

type farmRegistrar struct {
	Addr   netip.Addr
	Server wire.ServerID
}

// standing is how an element stands, as it knows.
type standing struct {
	Pool string
	ID   wire.PEID
	Home wire.ServerID // 0: it has none, or is not registered
}

// poolName is that of pool number n.
func poolName(n int) string { return fmt.Sprintf("pool-%02d", n) }

// elements runs the elements of a farm and tells how they stand whenever it is asked.
func elements(in io.Reader, out io.Writer) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	var f farm
	if err := questions.Decode(&f); err != nil {
		return err
	}
	var running []*poolelement.Element
	for _, h := range f.Hosts {
		e, err := poolelement.Start(context.Background(), f.element(h))
		if err != nil {
			return err
		}
		running = append(running, e)
	}
	for {
		var question string
		if err := questions.Decode(&question); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var list []standing
		for _, e := range running {
			home, _, _ := e.Home()
			for n := range f.Pools {
				p, registered, _ := e.Member(wire.PoolHandle(poolName(n)))
				s := standing{Pool: poolName(n), ID: p.ID}
				if registered {
					s.Home = home
				}
				list = append(list, s)
			}
		}
		if err := answers.Encode(list); err != nil {
			return err
		}
	}
}

// element is the configuration of the elements at one address.
func (f *farm) element(h farmHost) poolelement.Config {
	cfg := poolelement.Config{
		Identity: h.Identity, Key: []byte(h.Key),
		Doors:         []poolelement.Door{{Transport: association.SCTPUDP, Secured: true, Addr: netip.AddrPortFrom(h.Addr, wire.PortASAPTLS)}},
		RegistrarKeys: []poolelement.RegistrarKey{{Name: f.Caller, Key: []byte(f.CallerKey)}},
		Timers: poolelement.Timers{
			// The network loses packets: SCTP repeats after a second, and then after two.
			Registration: 5 * time.Second, ServerHunt: 2 * time.Second, ServerHuntMax: 4 * time.Second, Retry: time.Second,
		},
	}
	for _, r := range f.Registrars {
		cfg.Registrars = append(cfg.Registrars, poolelement.Registrar{
			Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(r.Addr, wire.PortASAPTLS), Server: r.Server,
		})
	}
	for n := range f.Pools {
		cfg.Pools = append(cfg.Pools, poolelement.Pool{
			Handle: wire.PoolHandle(poolName(n)), ID: wire.PEID(h.Number), Life: wire.LifeInfinite,
			Policy: wire.Policy{Type: wire.WeightedRandom, Weight: uint32(h.Number)},
			User:   wire.Transport{Kind: wire.TransportTCP, Port: uint16(7000 + n)},
		})
	}
	return cfg
}
