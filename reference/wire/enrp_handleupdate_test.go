// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestHandleUpdate(t *testing.T) {
	m := &HandleUpdate{Sender: peerServer, Action: AddPE, PoolHandle: testHandle, Element: fullElement()}
	checkVector(t, "E04", Strict(), m)
	m.Action = DelPE
	checkVector(t, "E04b", Strict(), m)
}

// update starts a complete HandleUpdate with the 32 bits of action and reserved.
func update(action uint32) *Raw {
	return rawENRP(TypeHandleUpdate).Put32(action).Add(rawHandle(), rawElement(rawSCTP(), rawRR()))
}

func TestHandleUpdateActionsAreAddAndDelete(t *testing.T) {
	m := &HandleUpdate{Sender: peerServer, Receiver: ownServer, Action: 2, PoolHandle: testHandle, Element: testElement(ownServer)}
	checkRefused(t, ENRP, Strict(), update(2<<16), ErrValue, "ENRP_HANDLE_UPDATE: message at 12: update action 0x2: illegal value")
	checkDecodes(t, Lenient(), update(2<<16), m)
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ENRP_HANDLE_UPDATE: message: update action 0x2: illegal value")
	m.Action = DelPE
	checkDecodes(t, Strict(), update(1<<16|0xffff), m) // the reserved field is ignored
}

func TestHandleUpdateTakeoverFlagIsKnownOnRequest(t *testing.T) {
	m := &HandleUpdate{Sender: peerServer, Receiver: ownServer, PoolHandle: testHandle, Element: testElement(ownServer)}
	checkDecodes(t, Strict(), update(0).Flags(1), m)
	m.TakeoverSuggested = true
	o := with(func(o *Options) { o.TakeoverFlag = true })
	checkDecodes(t, o, update(0).Flags(1), m)
	checkBytes(t, o, m, update(0).Flags(1))
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ENRP_HANDLE_UPDATE: message: takeover suggested flag 0x1: illegal value")
}

func TestUpdateActionNames(t *testing.T) {
	for a, want := range map[UpdateAction]string{AddPE: "ADD_PE", DelPE: "DEL_PE", 2: "update action 2"} {
		if a.String() != want {
			t.Errorf("%d is %s", a, a)
		}
	}
}
