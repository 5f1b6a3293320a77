// SPDX-License-Identifier: Apache-2.0

// Package actor plays the honest nodes of a check: a pool element, a pool user and a peer
// registrar that do what RFC 5352 and 5353 have them do, with the credentials that the
// operator gave, and that see the handlespace as any honest node sees it.
package actor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// peerName is what reports call the system under test.
const peerName = "registrar"

// Errors of the honest nodes.
var (
	ErrNoDoor       = errors.New("the system under test has no such door")
	ErrNoCredential = errors.New("no such credential was given")
	ErrRejected     = errors.New("the registrar rejected it")
	ErrNoPlace      = errors.New("no place for another registrar")
)

// World is what all nodes of one check share.
type World struct {
	Instance *sut.Instance
	Recorder script.Recorder
	// Blind has the observers see nothing: a fault of the harness, to show what comes of it.
	Blind bool
}

// Door gives the first door for protocol that fits the security of the system; TCP is only
// taken when there is no SCTP, as RFC 5352 has it for elements.
func (w *World) Door(protocol wire.Protocol) (script.Door, error) {
	doors := w.Doors(protocol)
	if len(doors) == 0 {
		return script.Door{}, fmt.Errorf("%w: %s, %s", ErrNoDoor, protocol, w.Instance.Security)
	}
	for _, d := range doors {
		if d.Transport != association.TCP {
			return d, nil
		}
	}
	return doors[0], nil
}

// Doors gives the doors through which honest nodes speak protocol.
func (w *World) Doors(protocol wire.Protocol) []script.Door {
	var doors []script.Door
	for _, d := range w.Instance.Find(protocol, w.Instance.Security == sut.Secured) {
		if d.Transport != association.UDP {
			doors = append(doors, script.Door(d))
		}
	}
	return doors
}

// options are those of an honest node; key authenticates it on a secured system.
func (w *World) options(name string, door script.Door, key *sut.PSK) (script.Options, error) {
	o := script.Options{
		Name: name, Peer: peerName, Door: door, Local: w.Instance.Local(),
		Wire: w.Instance.Wire, Recorder: w.Recorder,
	}
	if !door.Secured {
		return o, nil
	}
	if key == nil {
		return o, fmt.Errorf("%s: %w", name, ErrNoCredential)
	}
	o.TLS = PSKConfig(key)
	return o, nil
}

// PSKConfig is the TLS configuration of a node that holds key.
func PSKConfig(key *sut.PSK) *tlspsk.Config {
	return &tlspsk.Config{PSKIdentity: key.Identity, PSKKey: key.Key}
}

// CertificateConfig is the TLS configuration of a pool user: it knows the authority and the
// name of the registrar, and has nothing to show for itself.
func CertificateConfig(c *sut.Credentials) *tlspsk.Config {
	return &tlspsk.Config{Certificates: &tls.Config{RootCAs: c.RootCAs, ServerName: c.ServerName, MinVersion: tls.VersionTLS12}}
}

// OpenAs connects a node with a key.
func (w *World) OpenAs(ctx context.Context, name string, door script.Door, key *sut.PSK) (*script.Node, error) {
	o, err := w.options(name, door, key)
	if err != nil {
		return nil, err
	}
	return w.open(ctx, o)
}

// open connects a node; a handshake may take as long as any answer.
func (w *World) open(ctx context.Context, o script.Options) (*script.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Instance.Timers.Response)
	defer cancel()
	return script.Open(ctx, o)
}
