// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Target is where and how to set up an association.
type Target struct {
	Transport association.Transport
	Addr      netip.AddrPort
	UDPPort   uint16         // SCTP over UDP: encapsulation port, 0 for 9899
	TLS       *tlspsk.Config // nil: clear
	PPID      uint32         // of messages that name none
	Liveness  time.Duration  // silence of the transport after which the far end is lost; 0: the default
	// Wrap is a position below TLS, see association.Dialer; only for faults.
	Wrap func(net.Conn) net.Conn
}

// DialFunc sets up an association until ctx ends, with the TLS handshake.
type DialFunc func(ctx context.Context, t Target) (association.Association, error)

// DialAssociation dials with package association.
func DialAssociation(ctx context.Context, t Target) (association.Association, error) {
	return DialFrom(netip.Addr{})(ctx, t)
}

// DialFrom dials with package association from an address; an invalid one lets the system choose.
func DialFrom(local netip.Addr) DialFunc {
	return func(ctx context.Context, t Target) (association.Association, error) {
		d := association.Dialer{
			Transport: t.Transport, Local: local, UDPPort: t.UDPPort, TLS: t.TLS, PPID: t.PPID, Liveness: t.Liveness, Wrap: t.Wrap,
		}
		return d.Dial(ctx, t.Addr)
	}
}

// Source receives announcements. *association.Datagram is one.
type Source interface {
	Receive(ctx context.Context) ([]byte, netip.AddrPort, error)
	Close() error
}

// ListenFunc opens a Source.
type ListenFunc func(ctx context.Context, a *Announce) (Source, error)

// ListenDatagram joins the groups on a UDP socket that others on this host may share.
func ListenDatagram(ctx context.Context, a *Announce) (Source, error) {
	return association.ListenDatagram(ctx, association.DatagramConfig{
		Local: a.Local, Groups: a.Groups, Interface: a.Interface, Shared: true,
	})
}
