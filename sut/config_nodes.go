// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// AdapterConfig is the program of rung 2 (ADAPTER.md).
type AdapterConfig struct {
	// Command and its arguments, as those of CommandConfig. It is started for each check.
	Command []string `yaml:"command"`
	Timeout string   `yaml:"timeout,omitempty"` // longest wait for an answer, a Go duration; default 30s
	// Parallel says that several of it can run side by side on this machine, each with
	// addresses of its own, so that checks need not take turns.
	Parallel bool `yaml:"parallel,omitempty"`
}

// NodeConfig is a pool element or pool user under test.
type NodeConfig struct {
	// Address that it works from; absent: any.
	Address string `yaml:"address,omitempty"`
	// Registrars are the places where it looks for registrars, the first one first: addresses of
	// this machine, at which the harness plays them. Without an adapter there must be one.
	Registrars []PlaceConfig `yaml:"registrars,omitempty"`
	// Commands start and stop it; without them it runs all the time.
	Commands CommandConfig `yaml:"commands,omitempty"`
	LogFile  string        `yaml:"log_file,omitempty"`
	// ServiceTransport is what a pool user reaches the services of elements over: tcp, sctp,
	// sctp-udp or sctp-kernel; default: tcp.
	ServiceTransport string `yaml:"service_transport,omitempty"`
}

// PlaceConfig is where a registrar is looked for.
type PlaceConfig struct {
	Transport         string `yaml:"transport"` // tcp, sctp, sctp-udp, sctp-kernel
	Address           string `yaml:"address"`
	Port              uint16 `yaml:"port,omitempty"`               // default: the standard one
	Name              string `yaml:"name,omitempty"`               // what its certificate must be for; default: the address
	EncapsulationPort uint16 `yaml:"encapsulation_port,omitempty"` // of SCTP over UDP; default 9899
}

func (c *Config) has(r Role) bool { return slices.Contains(c.Roles, r) }

// completeRoles checks that what a role needs is there.
func (c *Config) completeRoles() error {
	if len(c.Roles) == 0 {
		c.Roles = []Role{Registrar}
	}
	for _, r := range c.Roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("roles: %q is none of registrar, pe, pu", string(r))
		}
	}
	if c.has(Registrar) && len(c.Doors) == 0 {
		return errors.New("doors: at least one is needed")
	}
	if a := c.Adapter; a != nil {
		if len(a.Command) == 0 {
			return errors.New("adapter.command: is missing")
		}
		if _, err := duration("adapter.timeout", a.Timeout, adapterTimeout); err != nil {
			return err
		}
	}
	return errors.Join(c.completeNode(PoolElement, "element", c.Element), c.completeNode(PoolUser, "user", c.User))
}

func (c *Config) completeNode(role Role, name string, n *NodeConfig) error {
	if !c.has(role) {
		if n != nil {
			return fmt.Errorf("%s: roles does not have %q", name, string(role))
		}
		return nil
	}
	if n == nil {
		n = &NodeConfig{}
	}
	if c.Adapter == nil && len(n.Registrars) == 0 {
		return fmt.Errorf("%s.registrars: are needed without an adapter: where does it look for registrars?", name)
	}
	if _, err := n.places(c.Security); err != nil {
		return fmt.Errorf("%s.%w", name, err)
	}
	if n.Address != "" {
		if _, err := netip.ParseAddr(n.Address); err != nil {
			return fmt.Errorf("%s.address: %w", name, err)
		}
	}
	if n.ServiceTransport != "" {
		if role != PoolUser {
			return fmt.Errorf("%s.service_transport: is what a pool user reaches elements over", name)
		}
		if err := carries(association.Transport(n.ServiceTransport)); err != nil {
			return fmt.Errorf("%s.service_transport: %w", name, err)
		}
	}
	if n.Commands.Ready != nil && n.Commands.Ready.Door {
		return fmt.Errorf("%s.commands.ready.door: a %s has no doors", name, role)
	}
	return n.Commands.check(name + ".commands")
}

// carries returns an error for what is no transport of associations.
func carries(t association.Transport) error {
	switch t {
	case association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel:
		return nil
	}
	return fmt.Errorf("is %q, must be tcp, sctp, sctp-udp or sctp-kernel", string(t))
}

// places are where the node looks for registrars.
func (n *NodeConfig) places(security Security) ([]Place, error) {
	var places []Place
	for i, p := range n.Registrars {
		place := Place{
			Transport: association.Transport(p.Transport), EncapsulationPort: p.EncapsulationPort,
			Secured: security == Secured, Name: p.Name,
		}
		if err := carries(place.Transport); err != nil {
			return nil, fmt.Errorf("registrars[%d].transport: %w", i, err)
		}
		addr, err := netip.ParseAddr(p.Address)
		if err != nil {
			return nil, fmt.Errorf("registrars[%d].address: %w", i, err)
		}
		place.Addr = netip.AddrPortFrom(addr, cmp.Or(p.Port, standardPort(wire.ASAP, place.Secured)))
		places = append(places, place)
	}
	return places, nil
}

func (a *AdapterConfig) timeout() time.Duration {
	d, _ := duration("timeout", a.Timeout, adapterTimeout) // checked by completeRoles
	return d
}

// node is the configuration of a pool element or pool user, which may be absent.
func (c *Config) node(r Role) *NodeConfig {
	n := c.Element
	if r == PoolUser {
		n = c.User
	}
	if n == nil {
		n = &NodeConfig{}
	}
	return n
}
