// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/association"
)

// nodes looks at the adapter, or waits for elements and users to come to their registrars.
func (x *examination) nodes(ctx context.Context) {
	if x.cfg.Adapter != nil {
		x.adapter(ctx)
		return
	}
	for _, role := range []Role{PoolElement, PoolUser} {
		if d := x.External.nodes[role]; d != nil {
			x.comes(ctx, d)
		}
	}
}

// recommendedPlaces is how many registrars the checks of elements and users play at once.
const recommendedPlaces = 3

// adapter shakes hands with the adapter and asks it for something that there is not.
func (x *examination) adapter(ctx context.Context) {
	const name = "adapter"
	const advice = "see sut/ADAPTER.md; its standard error is its log"
	x.good(name, "is %s", strings.Join(redactedArguments(x.cfg.Adapter.Command), " "))
	a, err := startAdapter(ctx, x.adapterOptions())
	if err != nil {
		x.find(Bad, name, advice, "%v", err)
		return
	}
	x.good(name, "%s, protocol %d, has %s, does %s", strings.TrimSpace(a.hello.Name+" "+a.hello.Version), a.hello.Protocol,
		join(a.hello.Roles), strings.Join(a.hello.Operations, ", "))
	x.operations(name, a.hello)
	for _, role := range x.cfg.Roles {
		if role != Registrar && !slices.Contains(a.hello.Roles, role) {
			x.find(Bad, name, "take the role from the file, or have the adapter say it in hello", "it does not have the role %q, which the file gives", string(role))
		}
	}
	if x.cfg.has(Registrar) && len(x.cfg.Roles) == 1 && !slices.Contains(a.hello.Roles, Registrar) {
		x.find(Caution, name, "take the adapter from the file", "it does not speak for a registrar, and the file has nothing else to judge")
	}
	if err := a.ping(ctx); err != nil {
		x.find(Bad, name, advice, "%v", err)
	} else {
		x.good(name, "says \"unsupported\" to what it does not know")
	}
	if err := a.close(); err != nil {
		x.find(Caution, name, "end what you have started when the input ends", "%v", err)
	} else {
		x.good(name, "ends with its input")
	}
}

// operations names what the adapter does not do of that which checks ask for.
func (x *examination) operations(subject string, hello AdapterHello) {
	wanted := map[Role][]string{
		PoolElement: {opStartElement, opRegister, opDeregister, opStop}, PoolUser: {opStartUser, opResolve, opSend, opStop},
		Registrar: {opStartRegistrar, opHandlespace, opStop},
	}
	var lacks []string
	for _, role := range hello.Roles {
		for _, op := range wanted[role] {
			if x.cfg.has(role) && !slices.Contains(hello.Operations, op) && !slices.Contains(lacks, op) {
				lacks = append(lacks, op)
			}
		}
	}
	if len(lacks) > 0 {
		x.find(Caution, subject, "", "does not do %s: the checks that need it are unsupported", strings.Join(lacks, ", "))
	}
}

// comes waits for a node at the first place where it looks for a registrar.
func (x *examination) comes(ctx context.Context, d *nodeDriver) {
	places, err := d.node.places(x.cfg.Security)
	if err != nil || len(places) == 0 {
		return
	}
	place := places[0]
	subject := fmt.Sprintf("%s at %s %s", d.role, place.Transport, place.Addr)
	l, end, err := listenAt(ctx, place)
	if err != nil {
		x.find(Bad, subject, "the harness plays the registrar there: the address must be this machine's, and the port free", "%v", err)
		return
	}
	defer end()
	if err := d.run.prepare(ctx); err != nil {
		x.find(Bad, subject, "run the command by hand in the directory of the file", "%v", err)
		return
	}
	defer func() { _ = d.run.stop(context.WithoutCancel(ctx)) }()
	limit := comePatience * x.times.Response
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a, err := l.Accept(waiting)
	switch {
	case err == nil:
		x.good(subject, "it comes, from %s", a.Info().Remote)
		_ = a.Abort("only looking")
	default:
		d.run.mu.Lock()
		died := d.run.died()
		d.run.mu.Unlock()
		if died != nil {
			err = died
		}
		x.find(Bad, subject, "is that where it looks for registrars? is timers.response long enough for a hunt?",
			"it does not come within %s: %v", limit, err)
	}
	if len(places) < recommendedPlaces {
		x.find(Caution, subject, fmt.Sprintf("give %d", recommendedPlaces), "it looks at %d places; checks that need more are not judged", len(places))
	}
}

// comePatience is how many responses a hunt for a registrar may take (RFC 5352 section 3.6).
const comePatience = 4

// listenAt takes associations at a place, in clear: that somebody comes is enough.
func listenAt(ctx context.Context, p Place) (association.Listener, func(), error) {
	c := association.ListenConfig{Transport: p.Transport, Addr: p.Addr}
	end := func() {}
	if p.Transport.IsSCTP() {
		s, err := association.NewStack(association.StackConfig{Transport: p.Transport, Local: p.Addr.Addr(), UDPPort: p.EncapsulationPort})
		if err != nil {
			return nil, nil, err
		}
		c.Stack = s
		end = func() { _ = s.Close() }
	}
	l, err := association.Listen(ctx, c)
	if err != nil {
		end()
		return nil, nil, err
	}
	return l, func() { _ = l.Close(); end() }, nil
}

func join(roles []Role) string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, string(r))
	}
	if len(names) == 0 {
		return "no role"
	}
	return strings.Join(names, ", ")
}
