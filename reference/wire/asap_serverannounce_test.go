// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestServerAnnounce(t *testing.T) {
	checkVector(t, "A0a", Strict(), &ServerAnnounce{Server: ownServer})
}

// announce builds the message and what it means from transport types.
func announce(types ...ParameterType) (*Raw, *ServerAnnounce) {
	raw, m := RawMessage(TypeServerAnnounce).Put32(uint32(ownServer)), &ServerAnnounce{Server: ownServer}
	for _, typ := range types {
		raw.Add(rawTransport(typ, 4711, 0, rawIPv4()))
		transport := sctpTransport(4711)
		transport.Kind = TransportKind(typ)
		m.Transports = append(m.Transports, transport)
	}
	return raw, m
}

func TestServerAnnounceListsTransportsInAnyOrder(t *testing.T) {
	raw, m := announce(ParameterSCTP, ParameterTCP, ParameterSCTP)
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
}

func TestServerAnnouncePutsTCPFirstForRsplib(t *testing.T) {
	wrong, m := announce(ParameterSCTP, ParameterTCP)
	right, _ := announce(ParameterTCP, ParameterSCTP)
	checkBytes(t, Rsplib(), m, right)
	checkRefused(t, ASAP, Rsplib(), wrong, ErrOrder, "ASAP_SERVER_ANNOUNCE: TCP transport at 24: 0x5: not allowed here")
}

func TestServerAnnounceHasOnlySCTPAndTCP(t *testing.T) {
	raw, m := announce(ParameterUDP)
	checkRefused(t, ASAP, Strict(), raw, ErrOrder, "ASAP_SERVER_ANNOUNCE: UDP transport at 8: 0x6: not allowed here")
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ASAP_SERVER_ANNOUNCE: transport: kind 0x6: illegal value")
}
