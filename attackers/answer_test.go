// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestAnswersAreReadForWhatTheyGrantAndGiveAway: verdicts hang on it.
func TestAnswersAreReadForWhatTheyGrantAndGiveAway(t *testing.T) {
	security := []wire.Cause{{Code: wire.CauseSecurity}}
	unknown := []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
	for _, row := range []struct {
		answer             wire.Message
		accepts, discloses bool
		says               string
	}{
		{&wire.RegistrationResponse{}, true, true, "accept"},
		{&wire.RegistrationResponse{Reject: true, Causes: security}, false, false, "reject ("},
		// RFC 5352 section 2.2.3: only the R bit rejects; causes may come with an accept.
		{&wire.RegistrationResponse{Causes: unknown}, true, true, "accept ("},
		{&wire.DeregistrationResponse{}, true, true, "accept"},
		{&wire.DeregistrationResponse{Causes: security}, false, false, "reject ("},
		{&wire.HandleResolutionResponse{Causes: security}, false, false, "0 elements ("},
		{&wire.HandleResolutionResponse{Causes: unknown}, false, true, "0 elements ("},
		{&wire.HandleResolutionResponse{Elements: make([]wire.PoolElement, 2)}, false, true, "2 elements"},
		{&wire.HandleTableResponse{Reject: true}, false, false, "rejected"},
		{&wire.HandleTableResponse{}, false, true, "0 pools"},
		{&wire.ListResponse{Reject: true}, false, false, "rejected"},
		{&wire.ListResponse{Servers: make([]wire.ServerInformation, 1)}, false, true, "1 servers"},
		{&wire.ASAPError{Causes: security}, false, false, "ASAP_ERROR ("},
		{&wire.ENRPError{}, false, false, "ENRP_ERROR"},
		{&wire.Presence{}, false, true, "ENRP_PRESENCE"},
		{&wire.InitTakeoverAck{}, false, true, "ENRP_INIT_TAKEOVER_ACK"},
		{&wire.HandleUpdate{}, false, true, "ENRP_HANDLE_UPDATE"},
		{&wire.EndpointKeepAlive{}, false, true, "ASAP_ENDPOINT_KEEP_ALIVE"},
		{&wire.ServerAnnounce{}, false, true, "ASAP_SERVER_ANNOUNCE"},
		{&wire.Cookie{}, false, true, "ASAP_COOKIE"},
	} {
		if got := Accepts(row.answer); got != row.accepts {
			t.Errorf("%+v: accepts %t", row.answer, got)
		}
		if got := Discloses(row.answer); got != row.discloses {
			t.Errorf("%+v: discloses %t", row.answer, got)
		}
		if got := Describe(row.answer); !strings.Contains(got, row.says) {
			t.Errorf("%+v is described as %q, want %q in it", row.answer, got, row.says)
		}
	}
	if Accepts(nil) || Discloses(nil) {
		t.Error("no answer grants something")
	}
}

func TestAttemptIsToldInASentence(t *testing.T) {
	door := script.Door{Protocol: wire.ASAP, Transport: association.TCP}
	for _, row := range []struct {
		attempt Attempt
		want    string
	}{
		{Attempt{Sent: true, Answer: &wire.RegistrationResponse{}}, "answered with ASAP_REGISTRATION_RESPONSE accept"},
		{Attempt{Err: errors.New("refused")}, "kept out: refused"},
		{Attempt{}, "nothing was sent"},
		{Attempt{Sent: true, Ended: true}, "the association was ended"},
		{Attempt{Sent: true, Err: errors.New("time-out")}, "no answer"},
	} {
		row.attempt.What, row.attempt.Door = "REGISTRATION", door
		if got, want := row.attempt.String(), "REGISTRATION at "+door.String()+": "+row.want; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestMessagesAreOneOfEachTypeAndLegal: an illegal one would be refused for the wrong reason.
func TestMessagesAreOneOfEachTypeAndLegal(t *testing.T) {
	at := netip.MustParseAddr("10.132.1.129")
	for _, server := range []wire.ServerID{0, 0x0a0b0c0d} {
		v := &Victim{Pool: "EchoPool", PE: registration().Element, Server: server, Element: 0x55667788}
		v.PE.Home = 0x0a0b0c0d
		v.PE.User.Addrs = []netip.Addr{netip.MustParseAddr("10.132.1.130")}
		for _, row := range []struct {
			protocol wire.Protocol
			messages []wire.Message
		}{{wire.ASAP, v.ASAP(at)}, {wire.ENRP, v.ENRP(at)}} {
			types := map[uint8]bool{}
			for _, m := range row.messages {
				types[m.Type()] = true
				if m.Protocol() != row.protocol {
					t.Errorf("%s among those of %s", m.Name(), row.protocol)
				}
			}
			if all := wire.MessageTypes(row.protocol); len(types) != len(all) || len(row.messages) != len(all) {
				t.Errorf("%s: %d messages of %d types, there are %d types", row.protocol, len(row.messages), len(types), len(all))
			}
			legal(t, row.messages)
		}
		legal(t, v.Updates(at))
	}
}

// legal encodes messages and reads them again, as the RFC and as rsplib have it.
func legal(t *testing.T, messages []wire.Message) {
	t.Helper()
	for name, o := range map[string]wire.Options{"strict": wire.Strict(), "rsplib": wire.Rsplib()} {
		o = (&Site{Wire: o}).dialect()
		for _, m := range messages {
			b, err := m.Append(nil, &o)
			if err != nil {
				t.Errorf("%s, %s: %v", m.Name(), name, err)
				continue
			}
			if _, err := wire.Decode(m.Protocol(), b, &o); err != nil {
				t.Errorf("%s, %s: %v", m.Name(), name, err)
			}
		}
	}
}

func TestInventedElementIsNotTheVictims(t *testing.T) {
	at := netip.MustParseAddr("10.132.1.129")
	v := &Victim{Pool: "EchoPool", PE: registration().Element, Element: 0x55667788}
	for _, m := range v.ASAP(at) {
		if r, ok := m.(*wire.Registration); ok && (r.Element.ID != v.Element || r.Element.User.Addrs[0] != at) {
			t.Errorf("the attacker registers %+v", r.Element)
		}
		if d, ok := m.(*wire.Deregistration); ok && d.PEID != v.PE.ID {
			t.Errorf("the attacker deregisters %s", d.PEID)
		}
	}
	if v.PE.ID != 0x11223344 || v.PE.User.Addrs[0] == at {
		t.Errorf("the victim became %+v", v.PE)
	}
}

func TestCompanyEndsEachAssociationOnce(t *testing.T) {
	c, ended := &Company{}, 0
	c.Leave() // nobody there
	c.Stay(func() { ended++ })
	c.Stay(func() { ended++; c.Stay(func() { ended += 10 }) }) // who comes while others leave stays
	c.Leave()
	if ended != 2 {
		t.Errorf("%d ended", ended)
	}
	c.Leave()
	c.Leave()
	if ended != 12 {
		t.Errorf("%d ended", ended)
	}
}
