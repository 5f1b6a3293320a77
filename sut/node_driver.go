// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// nodeDriver drives an element or user that commands start, or that runs all the time. It
// cannot be told anything: what a check wants of it has to be what it is.
type nodeDriver struct {
	cfg  *Config
	role Role
	node *NodeConfig
	run  *commands
	// roots are the authority that it trusts, PEM.
	roots []byte
}

// commanded makes the driver of an instance.
func (e *External) commanded(_ context.Context, i *Instance) error {
	d := e.nodes[i.Role]
	if i.Security != e.cfg.Security {
		return fmt.Errorf("%w: it is declared %s", ErrNoVariant, e.cfg.Security)
	}
	from := d.run.position()
	i.Driver = declining{cfg: e.cfg, inner: d}
	i.log = func() []string { return e.secrets.lines(d.run.logged(context.Background(), from)) }
	i.broken = d.run.dead
	return nil
}

// fixed says that a node cannot be told what a check wants of it.
func (d *nodeDriver) fixed(what string) error {
	return fmt.Errorf("%w: without an adapter a %s cannot be told %s", ErrUnsupported, d.role, what)
}

// StartElement starts the element, if it is as the check wants it. It has a PE identifier of
// its own, which its registration tells.
func (d *nodeDriver) StartElement(ctx context.Context, spec ElementSpec) (ElementNode, error) {
	identity := spec.Identity
	wanted := spec.features()
	switch {
	case !d.looksAt(spec.Registrars):
		return nil, d.fixed("where to look for registrars")
	case identity != nil && identity.Identity != d.cfg.Credentials.Element:
		return nil, d.fixed("who it is")
	case spec.Pool != d.cfg.Pool:
		return nil, d.fixed("which pool to join")
	}
	delete(wanted, "secured-service") // where it serves whom is its own
	for _, feature := range Features() {
		if wanted[feature] {
			return nil, d.fixed("what it needs for " + feature)
		}
	}
	return d.start(ctx)
}

// StartUser starts the user, if it is as the check wants it.
func (d *nodeDriver) StartUser(ctx context.Context, spec UserSpec) (UserNode, error) {
	wanted := spec.features()
	switch {
	case !d.looksAt(spec.Registrars):
		return nil, d.fixed("where to look for registrars")
	case spec.Pool != d.cfg.Pool:
		return nil, d.fixed("which pool to use")
	case spec.Identity != nil:
		return nil, d.fixed("who it is")
	case spec.Security == Secured && !bytes.Equal(spec.Roots, d.roots):
		return nil, d.fixed("whom to trust")
	}
	delete(wanted, "secured-service")
	for _, feature := range Features() {
		if wanted[feature] {
			return nil, d.fixed("what it needs for " + feature)
		}
	}
	return d.start(ctx)
}

// looksAt tells whether a node looks for registrars at these places, and first at the first.
func (d *nodeDriver) looksAt(wanted []Place) bool {
	places, err := d.node.places(d.cfg.Security)
	return err == nil && len(wanted) <= len(places) && slices.Equal(wanted, places[:len(wanted)])
}

func (d *nodeDriver) start(ctx context.Context) (*commandNode, error) {
	if err := d.run.prepare(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return &commandNode{eventLog: newEventLog(), driver: d, from: d.run.position()}, nil
}

// commandNode is an element or user that commands have started.
type commandNode struct {
	*eventLog
	driver *nodeDriver
	from   position
}

// Log is that of the instance.
func (n *commandNode) Log() []string { return nil }

// Register is not supported.
func (n *commandNode) Register(context.Context) error { return n.driver.fixed("to register") }

// Deregister is not supported.
func (n *commandNode) Deregister(context.Context) error { return n.driver.fixed("to deregister") }

// Resolve is not supported.
func (n *commandNode) Resolve(context.Context) ([]Member, error) {
	return nil, n.driver.fixed("to resolve")
}

// Send is not supported.
func (n *commandNode) Send(context.Context, []byte) ([]byte, error) {
	return nil, n.driver.fixed("to send")
}

// Stop stops the node, where there are commands for it.
func (n *commandNode) Stop(ctx context.Context) error {
	defer n.end()
	return n.driver.run.stop(ctx)
}
