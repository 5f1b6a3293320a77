// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// ReferenceRegistrar starts the reference registrar of a configuration, with faults, and says
// what it knows.
type ReferenceRegistrar struct {
	// Config makes the configuration of a registrar that logs to w.
	Config func(w io.Writer) (registrar.Config, error)
	Faults []Fault
}

// StartRegistrar starts the registrar and waits until it serves. Its doors are those of its own
// configuration, whatever those of spec.
func (f *ReferenceRegistrar) StartRegistrar(ctx context.Context, spec RegistrarSpec) (RegistrarNode, error) {
	n := &referenceRegistrar{eventLog: newEventLog()}
	cfg, err := f.Config(&n.log)
	if err != nil {
		return nil, err
	}
	if (spec.Security == Clear) != (cfg.Mode == registrar.Insecure) {
		return nil, fmt.Errorf("%w: its configuration is not %s", ErrUnsupported, spec.Security)
	}
	defences := registrar.NewDefences()
	cfg.Defences = &defences
	for _, fault := range f.Faults {
		if fault.apply != nil {
			fault.apply(&cfg)
		}
	}
	admission := cfg.Defences.Admission
	cfg.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
		p := admission.Admit(o, keys)
		if _, known := keys.Grant(p.Name); known {
			n.emit(NodeEvent{Kind: EventAuthenticated, Identity: p.Name, Remote: o.Info.Remote, Secured: true})
		}
		return p
	})
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(&n.log, nil))
	}
	if n.registrar, err = registrar.Start(ctx, cfg); err != nil {
		return nil, err
	}
	select {
	case <-n.registrar.InService():
		return n, nil
	case <-ctx.Done():
		_ = n.Stop(context.WithoutCancel(ctx)) // ctx is what went wrong
		return nil, ctx.Err()
	}
}

// referenceRegistrar is a reference registrar that tells what it knows.
type referenceRegistrar struct {
	*eventLog
	registrar *registrar.Registrar
}

// Handlespace returns all elements that are registered.
func (n *referenceRegistrar) Handlespace(context.Context) ([]Entry, error) {
	entries := []Entry{}
	for _, e := range n.registrar.Snapshot() {
		entry := Entry{Pool: e.Handle, ID: e.PE.ID, Owner: e.Owner}
		if addrs := e.PE.User.Addrs; len(addrs) > 0 {
			entry.Addr = netip.AddrPortFrom(slices.MinFunc(addrs, netip.Addr.Compare), e.PE.User.Port)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// Fresh tells that nobody else uses it.
func (n *referenceRegistrar) Fresh() bool { return true }

// Stop ends the registrar and its associations.
func (n *referenceRegistrar) Stop(ctx context.Context) error {
	ending, cancel := context.WithTimeout(ctx, restartGrace)
	defer cancel()
	err := n.registrar.Close(ending)
	n.end()
	return err
}
