// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ElementSecurity says how channels with pool elements are protected. RFC 5352
// leaves this to the application.
type ElementSecurity uint8

// The ways. ElementsSecured is the zero value.
const (
	// ElementsSecured takes only elements under TLS that authenticate themselves.
	ElementsSecured ElementSecurity = iota
	// ElementsPreferred tries TLS and then works in clear, for a pool on its way
	// to TLS. A session that has had TLS never goes back. It protects against
	// nobody who can interfere with the set-up.
	ElementsPreferred
	// ElementsClear uses no TLS.
	ElementsClear
)

// Elements says how to speak with pool elements.
type Elements struct {
	Security    ElementSecurity
	Credentials Credentials
	// Name is the reference identity that the certificates of all elements have,
	// such as the name of the service; "" is the address that the registrar gave.
	Name string
	// SCTP carries what elements register as SCTP; "" is SCTPUDP.
	SCTP     association.Transport
	UDPPort  uint16 // SCTP over UDP: encapsulation port, 0 for 9899
	DataPPID uint32 // payload protocol identifier of data on clear SCTP; not 11
}

// ErrNoElementCredentials is the error of Open when elements are to be secured
// and nothing is there to authenticate them with.
var ErrNoElementCredentials = errors.New("pooluser: no root certificates or pre-shared key for elements")

func (e *Elements) complete() error {
	if e.SCTP == "" {
		e.SCTP = association.SCTPUDP
	}
	switch {
	case !e.SCTP.IsSCTP():
		return fmt.Errorf("%w: elements: SCTP over %q", ErrConfig, e.SCTP)
	case e.Security > ElementsClear:
		return fmt.Errorf("%w: elements: security %d", ErrConfig, e.Security)
	case e.DataPPID == wire.PPIDASAP:
		return fmt.Errorf("%w: elements: %w", ErrConfig, channel.ErrDataPPID)
	}
	return nil
}

// transport returns what carries the element's user transport, "" if nothing does.
func (e *Elements) transport(t *wire.Transport) association.Transport {
	switch {
	case len(t.Addrs) == 0 || t.Port == 0:
		return ""
	case t.Kind == wire.TransportTCP:
		return association.TCP
	case t.Kind == wire.TransportSCTP:
		return e.SCTP
	}
	return ""
}

// controls tells whether the element has a control channel: always on TCP (draft
// section 2.16), on SCTP if it registered one.
func controls(t *wire.Transport) bool {
	return t.Kind == wire.TransportTCP || t.Use == wire.DataAndControl
}

// tls returns the configuration for a channel with an element at addr.
func (e *Elements) tls(addr string, messages bool) (*tlspsk.Config, error) {
	name := e.Name
	if name == "" {
		name = addr
	}
	return e.Credentials.config(name, AllCertificateChecks, messages)
}
