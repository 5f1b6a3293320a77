// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestServerInformationRefusals(t *testing.T) {
	information := func(id uint32, parts ...*Raw) *Raw {
		return RawParameter(ParameterServerInformation).Put32(id).Add(parts...)
	}
	for _, c := range []struct {
		raw  *Raw
		err  error
		want string
	}{
		{RawParameter(ParameterServerInformation).Put16(1), ErrLength, "server information at 12: length 0x6: wrong length"},
		{information(0, rawSCTP()), ErrValue, "server information at 12: server ID 0x0: illegal value"},
		{information(1), ErrMissing, "SCTP transport at 20: 0x4: missing"},
		{information(1, rawTransport(ParameterTCP, 1, 0, rawIPv4())), ErrOrder, "TCP transport at 20: 0x5: not allowed here"},
		{information(1, rawSCTP(), rawSCTP()), ErrOrder, "SCTP transport at 36: 0x4: not allowed here"},
	} {
		checkRefused(t, ENRP, Strict(), rawENRP(TypeListResponse).Add(c.raw), c.err, "ENRP_LIST_RESPONSE: "+c.want)
	}
}

func TestServerInformationToSend(t *testing.T) {
	udp := sctpTransport(1)
	udp.Kind = TransportUDP
	for _, c := range []struct {
		information ServerInformation
		want        string
	}{
		{ServerInformation{Transport: sctpTransport(1)}, "server ID 0x0"},
		{ServerInformation{ID: 1, Transport: udp}, "transport kind 0x6"},
	} {
		m := &ListResponse{Sender: 1, Servers: []ServerInformation{c.information}}
		checkNotEncoded(t, Strict(), m, ErrValue, "encode ENRP_LIST_RESPONSE: server information: "+c.want+": illegal value")
	}
}
