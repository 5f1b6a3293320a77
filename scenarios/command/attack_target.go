// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// errForeign keeps the attackers from systems that nobody has said may be attacked.
var errForeign = errors.New("is neither on loopback nor in a network namespace of your own; if you own it, say so with --i-own-this-target")

// harmless tells whether packets to an address stay on this host: on loopback, or in a
// network namespace that is not the one of the host.
func harmless(a netip.Addr) bool {
	if a.Unmap().IsLoopback() {
		return true
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return false
	}
	host, err := os.Readlink("/proc/1/ns/net")
	return err == nil && own != host
}

// Errors of parseDoor.
var (
	errDoor      = errors.New("is not PROTOCOL:TRANSPORT:SECURITY:ADDRESS:PORT")
	errTransport = errors.New("there is no TLS over udp")
)

func parseDoor(s string) (script.Door, error) {
	const parts = 4
	words := strings.SplitN(s, ":", parts)
	if len(words) != parts {
		return script.Door{}, errDoor
	}
	door := script.Door{Transport: association.Transport(words[1]), Secured: words[2] == "tls"}
	switch words[0] {
	case "asap":
		door.Protocol = wire.ASAP
	case "enrp":
		door.Protocol = wire.ENRP
	default:
		return door, fmt.Errorf("%w: protocol %q is neither asap nor enrp", errDoor, words[0])
	}
	switch door.Transport {
	case association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel, association.UDP:
	default:
		return door, fmt.Errorf("%w: transport %q is not tcp, sctp, sctp-udp, sctp-kernel or udp", errDoor, words[1])
	}
	if words[2] != "tls" && words[2] != "clear" {
		return door, fmt.Errorf("%w: security %q is neither tls nor clear", errDoor, words[2])
	}
	if door.Secured && door.Transport == association.UDP {
		return door, errTransport
	}
	var err error
	if door.Addr, err = netip.ParseAddrPort(words[3]); err != nil {
		return door, fmt.Errorf("%w: %w", errDoor, err)
	}
	return door, nil
}
