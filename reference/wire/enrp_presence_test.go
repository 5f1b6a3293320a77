// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestPresence(t *testing.T) {
	checkVector(t, "E01", Strict(), &Presence{
		Sender: peerServer, ReplyRequired: true, Checksum: 0x29a5, HasChecksum: true,
		Server: ServerInformation{ID: peerServer, Transport: sctpTransport(9901)}, HasServer: true,
	})
	checkVector(t, "E01b", Strict(), &Presence{Sender: peerServer})
}

func TestPresenceWithoutReplyFlag(t *testing.T) {
	o := with(func(o *Options) { o.NoReplyFlag = true })
	raw, m := rawENRP(TypePresence).Flags(1), &Presence{Sender: peerServer, Receiver: ownServer}
	checkDecodes(t, o, raw, m)
	m.ReplyRequired = true
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
	checkNotEncoded(t, o, m, ErrValue, "encode ENRP_PRESENCE: message: reply required flag 0x1: illegal value")
}

func TestPresenceParametersAreRequiredOnRequest(t *testing.T) {
	for _, c := range []struct {
		o        Options
		m        Presence
		raw      *Raw
		name, no string
	}{
		{with(func(o *Options) { o.RequireChecksum = true }), Presence{Sender: 1}, rawENRP(TypePresence), "PE checksum at 12: 0xf", "PE checksum"},
		{with(func(o *Options) { o.RequireServerInformation = true }), Presence{Sender: 1}, rawENRP(TypePresence), "server information at 12: 0xb", "server information"},
		{Rsplib(), Presence{Sender: 1, HasChecksum: true}, rawENRP(TypePresence).Add(rawSum()), "server information at 18: 0xb", "server information"},
	} {
		checkRefused(t, ENRP, c.o, c.raw, ErrMissing, "ENRP_PRESENCE: "+c.name+": missing")
		checkNotEncoded(t, c.o, &c.m, ErrMissing, "encode ENRP_PRESENCE: "+c.no+": 0x0: missing")
	}
}

func TestPresenceKeepsOrder(t *testing.T) {
	raw := rawENRP(TypePresence).Add(rawInformation(), rawSum())
	checkRefused(t, ENRP, Strict(), raw, ErrOrder, "ENRP_PRESENCE: PE checksum at 36: 0xf: not allowed here")
	decodeOK(t, ENRP, Lenient(), raw.Bytes())
}

func TestPresenceNeedsASender(t *testing.T) {
	raw := RawMessage(TypePresence).Put32(0).Put32(0)
	checkRefused(t, ENRP, Strict(), raw, ErrValue, "ENRP_PRESENCE: message at 4: sender's ID 0x0: illegal value")
	checkRefused(t, ENRP, Strict(), RawMessage(TypePresence).Put32(1).Put16(0), ErrTruncated,
		"ENRP_PRESENCE: message at 8: receiver's ID 0x2: truncated")
	checkNotEncoded(t, Strict(), &Presence{}, ErrValue, "encode ENRP_PRESENCE: message: sender's ID 0x0: illegal value")
}

func TestPresenceForgetsEarlierParameters(t *testing.T) {
	m := &Presence{Checksum: 7, HasChecksum: true, Server: ServerInformation{ID: 7}, HasServer: true, ReplyRequired: true}
	if err := m.Decode(vectorBytes(t, "E01b"), nil); err != nil {
		t.Fatal(err)
	}
	if want := (&Presence{Sender: peerServer}); !same(m, want) {
		t.Errorf("got %+v", m)
	}
}
