// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestListResponse(t *testing.T) {
	checkVector(t, "E06b", Strict(), &ListResponse{Sender: peerServer, Receiver: ownServer, Reject: true})
	raw := rawENRP(TypeListResponse).Add(rawInformation(), rawInformation())
	information := ServerInformation{ID: peerServer, Transport: sctpTransport(4711)}
	m := &ListResponse{Sender: peerServer, Receiver: ownServer, Servers: []ServerInformation{information, information}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
}

func TestListResponseRejectsWithoutServers(t *testing.T) {
	raw := rawENRP(TypeListResponse).Flags(1).Add(rawInformation())
	checkRefused(t, ENRP, Strict(), raw, ErrValue, "ENRP_LIST_RESPONSE: message at 36: reject flag 0x1: illegal value")
	m := decodeOK(t, ENRP, Lenient(), raw.Bytes())
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ENRP_LIST_RESPONSE: message: reject flag 0x1: illegal value")
}

func TestListResponseNamesServersThatRsplibHasNotHeard(t *testing.T) {
	unheard := RawParameter(ParameterServerInformation).Put32(0).Add(rawSCTP())
	raw := rawENRP(TypeListResponse).Add(unheard, rawInformation())
	checkRefused(t, ENRP, Strict(), raw, ErrValue, "ENRP_LIST_RESPONSE: server information at 12: server ID 0x0: illegal value")
	m := decodeOK(t, ENRP, Rsplib(), raw.Bytes()).(*ListResponse)
	if len(m.Servers) != 2 || m.Servers[0].ID != 0 || m.Servers[1].ID != peerServer {
		t.Errorf("servers %+v", m.Servers)
	}
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ENRP_LIST_RESPONSE: server information: server ID 0x0: illegal value")
	presence := &Presence{Sender: peerServer, HasChecksum: true, HasServer: true, Server: m.Servers[0]}
	checkNotEncoded(t, Rsplib(), presence, ErrValue, "encode ENRP_PRESENCE: server information: server ID 0x0: illegal value")
}

func TestListResponseLimitsServers(t *testing.T) {
	o := with(func(o *Options) { o.MaxElements = 1 })
	checkRefused(t, ENRP, o, rawENRP(TypeListResponse).Add(rawInformation(), rawInformation()), ErrTooLarge,
		"ENRP_LIST_RESPONSE: server information at 36: count 0x2: too large")
}
