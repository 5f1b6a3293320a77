// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestHandleTableResponse(t *testing.T) {
	checkVector(t, "E03", Strict(), &HandleTableResponse{
		Sender: peerServer, Receiver: ownServer, More: true,
		Pools: []PoolEntry{{PoolHandle: testHandle, Elements: []PoolElement{fullElement()}}},
	})
	checkVector(t, "E03b", Strict(), &HandleTableResponse{Sender: peerServer, Receiver: ownServer, Reject: true})
}

func TestHandleTableResponseGroupsElementsByPool(t *testing.T) {
	other := RawParameter(ParameterPoolHandle).Put('x')
	raw := rawENRP(TypeHandleTableResponse).Add(
		rawHandle(), rawElement(rawSCTP(), rawRR()), rawElement(rawSCTP(), rawRR()), other, rawElement(rawSCTP(), rawRR()))
	e := testElement(ownServer)
	m := &HandleTableResponse{Sender: peerServer, Receiver: ownServer, Pools: []PoolEntry{
		{PoolHandle: testHandle, Elements: []PoolElement{e, e}},
		{PoolHandle: PoolHandle("x"), Elements: []PoolElement{e}},
	}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
}

func TestHandleTableResponseEntriesHaveHandleAndElements(t *testing.T) {
	checkRefused(t, ENRP, Strict(), rawENRP(TypeHandleTableResponse).Add(rawFullElement()), ErrOrder,
		"ENRP_HANDLE_TABLE_RESPONSE: pool element at 12: 0xa: not allowed here")
	for _, raw := range []*Raw{
		rawENRP(TypeHandleTableResponse).Add(rawHandle()),
		rawENRP(TypeHandleTableResponse).Add(rawHandle(), rawHandle(), rawFullElement()),
	} {
		checkRefused(t, ENRP, Strict(), raw, ErrMissing, "ENRP_HANDLE_TABLE_RESPONSE: pool element at 24: 0xa: missing")
		decodeOK(t, ENRP, Lenient(), raw.Bytes())
	}
	m := &HandleTableResponse{Sender: 1, Pools: []PoolEntry{{PoolHandle: testHandle}}}
	checkNotEncoded(t, Strict(), m, ErrMissing, "encode ENRP_HANDLE_TABLE_RESPONSE: pool element: count 0x0: missing")
}

func TestHandleTableResponseRejectsWithoutEntries(t *testing.T) {
	raw := rawENRP(TypeHandleTableResponse).Flags(1).Add(rawHandle(), rawFullElement())
	checkRefused(t, ENRP, Strict(), raw, ErrValue, "ENRP_HANDLE_TABLE_RESPONSE: message at 80: reject flag 0x1: illegal value")
	m := decodeOK(t, ENRP, Lenient(), raw.Bytes())
	if _, err := m.Append(nil, nil); err == nil {
		t.Error("strict sends it")
	}
}

func TestHandleTableResponseLimitsElements(t *testing.T) {
	o := with(func(o *Options) { o.MaxElements = 1 })
	raw := rawENRP(TypeHandleTableResponse).Add(rawHandle(), rawFullElement(), rawFullElement())
	checkRefused(t, ENRP, o, raw, ErrTooLarge, "ENRP_HANDLE_TABLE_RESPONSE: pool element at 80: count 0x2: too large")
	raw = rawENRP(TypeHandleTableResponse).Add(rawHandle(), rawFullElement(), rawHandle())
	checkRefused(t, ENRP, o, raw, ErrTooLarge, "ENRP_HANDLE_TABLE_RESPONSE: pool handle at 80: count 0x2: too large")
}

func TestHandleTableResponseElementsAreCompleteForRsplib(t *testing.T) {
	bare := rawENRP(TypeHandleTableResponse).Add(rawHandle(), rawElement(rawTransport(ParameterSCTP, 1, 0, rawIPv4()), rawRR()))
	checkRefused(t, ENRP, Rsplib(), bare, ErrMissing, "ENRP_HANDLE_TABLE_RESPONSE: pool element at 24: ASAP transport 0x0: missing")
	e := fullElement()
	e.Home = 0
	m := &HandleTableResponse{Sender: 1, Pools: []PoolEntry{{PoolHandle: testHandle, Elements: []PoolElement{e}}}}
	checkNotEncoded(t, Rsplib(), m, ErrValue, "encode ENRP_HANDLE_TABLE_RESPONSE: pool element: home server 0x0: illegal value")
}
