// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// inClear is the reference as a system that has no TLS at all.
type inClear struct{ *sut.Embedded }

// Security reports that it is in clear.
func (inClear) Security() sut.Security { return sut.Clear }

// Prepare gives what is in clear, and nothing else.
func (t inClear) Prepare(ctx context.Context, w sut.Wanted) (*sut.Instance, error) {
	if w.Security == sut.Secured {
		return nil, sut.ErrNoVariant
	}
	w.Security = sut.Clear
	return t.Embedded.Prepare(ctx, w)
}

// clearVerdict is what a check must come to on an element or a user in clear.
type clearVerdict struct {
	verdict reports.Verdict
	reason  string
	// but are the requirements of the check on which the verdict is another one.
	but map[string]reports.Verdict
}

const aboutSecured = "is about what a secured system does with its TLS"

// Nobody is inconclusive here: everything can be done to an element in clear, and seen.
var clearVerdicts = map[string]clearVerdict{
	"2.1-pe-psk-handshake":         {verdict: reports.Fail, reason: "pre-shared keys are mandatory to implement, and the element begins no TLS"},
	"2.2-pe-clear-registrar":       {verdict: reports.Fail, reason: "the element says everything in clear"},
	"2.6-pe-rogue-registrar":       {verdict: reports.Fail, reason: "whoever stands at the registrar's place is the registrar"},
	"2.6-pe-rogue-caller":          {verdict: reports.Fail, reason: "whoever comes to the element's door is obeyed"},
	"2.6-pe-psk-authorises":        {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.6-pe-administration":        {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.6-pe-insider":               {verdict: reports.Fail, reason: "without keys nobody can tell an element from a registrar"},
	"2.8-pe-replay":                {verdict: reports.Fail, reason: "ASAP itself numbers nothing"},
	"2.10-pe-tampering":            {verdict: reports.Fail, reason: "ASAP itself has no integrity"},
	"2.11-pe-eavesdropping":        {verdict: reports.Fail, reason: "all can be read; R1 is a SHOULD", but: map[string]reports.Verdict{"T2.11-R1": reports.Warn}},
	"2.12-pe-forged-announcements": {verdict: reports.Fail, reason: "whoever is announced is the registrar"},
	"2.12-pe-announced-registrar":  {verdict: reports.Fail, reason: "as section 2.11; R2 is a SHOULD", but: map[string]reports.Verdict{"T2.12-R2": reports.Warn}},
	"2.16-pe-cookie":               {verdict: reports.Pass, reason: "the cookie takes the data's connection, is as secured as the data, which is not at all, and is signed"},
	"2.17-pe-signed-policy":        {verdict: reports.Pass, reason: "the signature of a policy needs no TLS"},
	"2.17-pe-proven-selection":     {verdict: reports.Pass, reason: "neither does the proof of a selection"},

	"2.7-certificate-tls":        {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.7-rogue-registrars":       {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.7-next-registrar":         {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.8-replayed-resolutions":   {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.9-failover-notice":        {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.9-weaker-element":         {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.10-tampered-resolutions":  {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.11-overheard-resolutions": {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.12-forged-announcements":  {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.13-unreachable-reports":   {verdict: reports.Pass, reason: "a limit on reports needs no TLS"},
	"2.16-echoed-cookie":         {verdict: reports.NotApplicable, reason: aboutSecured},
	"2.17-proven-choice":         {verdict: reports.Pass, reason: "a proof of a choice needs no TLS"},
	"3-privacy-required":         {verdict: reports.NotApplicable, reason: aboutSecured},
}

// TestNodesInClearAreJudged: an element or a user without TLS is told what it does not meet,
// by every check that can be made on it.
func TestNodesInClearAreJudged(t *testing.T) {
	t.Parallel()
	l := requirements(t)
	for _, c := range scenarios.Checks() {
		if c.Role == engine.Registrar {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			want, ok := clearVerdicts[c.ID]
			if !ok {
				t.Fatal("there is no line that says what an element or a user in clear gets from this check")
			}
			reference, err := sut.NewEmbedded()
			if err != nil {
				t.Fatal(err)
			}
			e := &engine.Engine{Target: inClear{reference}, Ledger: l, Seed: 1}
			out := e.RunCheck(t.Context(), &c, func(string) bool { return true })
			if len(out.Results) != len(c.Requirements) {
				t.Errorf("%d results for %v", len(out.Results), c.Requirements)
			}
			for _, r := range out.Results {
				verdict := want.verdict
				if other, ok := want.but[r.Requirement]; ok {
					verdict = other
				}
				if r.Verdict != verdict {
					t.Errorf("%s: %s: %s; it must be %s: %s", r.ID, r.Verdict, r.Reason, verdict, want.reason)
				}
			}
		})
	}
}

// atOnePlace is an element in clear that looks for its registrar at one place, whatever the
// check, and to which no registrar can come.
type atOnePlace struct {
	inClear
	place sut.Place
}

// Prepare gives the element.
func (t atOnePlace) Prepare(ctx context.Context, w sut.Wanted) (*sut.Instance, error) {
	i, err := t.inClear.Prepare(ctx, w)
	if err == nil {
		i.Registrars, i.Driver = []sut.Place{t.place}, withoutDoor{i.Driver}
	}
	return i, err
}

type withoutDoor struct{ sut.Driver }

// StartElement declines an element that is to have a door.
func (d withoutDoor) StartElement(ctx context.Context, spec sut.ElementSpec) (sut.ElementNode, error) {
	if spec.Door.Transport != "" {
		return nil, fmt.Errorf("%w: it has no door", sut.ErrUnsupported)
	}
	return d.Driver.StartElement(ctx, spec)
}

// TestDeclinedCheckLeavesThePlaceToTheNext: the registrar of a check that the system declines
// is gone when the next check plays one at the same place.
func TestDeclinedCheckLeavesThePlaceToTheNext(t *testing.T) {
	t.Parallel()
	reference, err := sut.NewEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrFrom4([4]byte{127, 255, 250, 1}) // nobody else's here
	place := sut.Place{Transport: association.TCP, Addr: netip.AddrPortFrom(at, wire.PortASAP)}
	e := &engine.Engine{Target: atOnePlace{inClear{reference}, place}, Ledger: requirements(t), Seed: 1}
	for _, next := range []struct {
		check   string
		verdict reports.Verdict
	}{{"2.6-pe-rogue-caller", reports.Unsupported}, {"2.6-pe-rogue-registrar", reports.Fail}} {
		for _, c := range scenarios.Checks() {
			if c.ID != next.check {
				continue
			}
			for _, r := range e.RunCheck(t.Context(), &c, func(string) bool { return true }).Results {
				if r.Verdict != next.verdict {
					t.Errorf("%s, %s: %s: %s; it must be %s", c.ID, r.ID, r.Verdict, r.Reason, next.verdict)
				}
			}
		}
	}
}

// overSCTP is a user in clear that reaches registrars and elements over SCTP.
type overSCTP struct{ inClear }

// Prepare gives the user.
func (t overSCTP) Prepare(ctx context.Context, w sut.Wanted) (*sut.Instance, error) {
	i, err := t.inClear.Prepare(ctx, w)
	if err == nil {
		i.ServiceTransport = association.SCTPUDP
		i.Registrars = []sut.Place{{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(i.Local(), wire.PortASAP)}}
	}
	return i, err
}

// TestElementsThatArePlayedFollowTheTransportOfTheUser: and what it sends there is seen.
func TestElementsThatArePlayedFollowTheTransportOfTheUser(t *testing.T) {
	t.Parallel()
	reference, err := sut.NewEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Target: overSCTP{inClear{reference}}, Ledger: requirements(t), Seed: 1}
	for _, c := range scenarios.Checks() {
		if c.ID != "2.13-unreachable-reports" {
			continue
		}
		out := e.RunCheck(t.Context(), &c, func(string) bool { return true })
		for _, r := range out.Results {
			if r.Verdict != reports.Pass {
				t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
			}
		}
		for _, f := range out.Capture.Frames {
			if f.Transport == string(association.TCP) {
				t.Fatalf("something goes over TCP from %s to %s", f.Src, f.Dst)
			}
		}
	}
}
