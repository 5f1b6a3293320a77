// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// RegistrarDriver attaches to a registrar under test, or starts it, and says what it knows
// itself: what a stranger and an honest node cannot see.
type RegistrarDriver interface {
	StartRegistrar(ctx context.Context, spec RegistrarSpec) (RegistrarNode, error)
}

// RegistrarNode is a registrar that tells what it knows. What happened before a request is told
// in Events before the answer to it.
type RegistrarNode interface {
	Node
	// Handlespace returns all elements that are registered.
	Handlespace(ctx context.Context) ([]Entry, error)
}

// RegistrarSpec says which registrar is meant. Its keys and certificates are its own.
type RegistrarSpec struct {
	Security Security        `json:"security"`
	Doors    []RegistrarDoor `json:"doors"`
}

// RegistrarDoor is a Door in the form of the adapter protocol.
type RegistrarDoor struct {
	Protocol          string         `json:"protocol"` // asap, enrp
	Transport         string         `json:"transport"`
	Secured           bool           `json:"secured"`
	Addr              netip.AddrPort `json:"addr"`
	EncapsulationPort uint16         `json:"encapsulation_port,omitzero"` // UDP port of SCTP over UDP; 0 for 9899
}

// Entry is an element as the registrar has it.
type Entry struct {
	Pool string         `json:"pool"`
	ID   wire.PEID      `json:"id"`
	Addr netip.AddrPort `json:"addr,omitzero"` // the first one of its service
	// Owner is the identity that registered it; "" where the registrar knows none.
	Owner string `json:"owner,omitzero"`
}

// registrarStarted is the result of start-registrar.
type registrarStarted struct {
	// Fresh says that its handlespace is empty and nobody else uses it.
	Fresh bool `json:"fresh,omitzero"`
}

// specOf describes the registrar of a configuration.
func specOf(security Security, doors []Door) RegistrarSpec {
	spec := RegistrarSpec{Security: security, Doors: make([]RegistrarDoor, 0, len(doors))}
	for _, d := range doors {
		spec.Doors = append(spec.Doors, RegistrarDoor{d.Protocol.String(), string(d.Transport), d.Secured, d.Addr, d.EncapsulationPort})
	}
	return spec
}
