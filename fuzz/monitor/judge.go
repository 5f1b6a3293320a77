// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// maxAnswers is how many answers a message may have: its own, and notices of what it changes.
const maxAnswers = 16

// Judge judges what a system answers.
type Judge struct {
	Secured         bool
	Pool, OtherPool string
	Wire            wire.Options
	// SlowAfter is how long an answer may take before it counts as slow.
	SlowAfter time.Duration
}

// NewJudge returns the judge of a system.
func NewJudge(s *link.System, slowAfter time.Duration) *Judge {
	return &Judge{Secured: s.Secured, Pool: s.Pool, OtherPool: s.OtherPool, Wire: s.Wire, SlowAfter: slowAfter}
}

// Exchange returns what is wrong with the answers to a group of messages.
func (j *Judge) Exchange(e *link.Exchange) (found []Anomaly) {
	r := &e.Result
	switch {
	case errors.Is(r.Ended, link.ErrFlood), r.Count > maxAnswers*(len(e.Payloads)+1):
		return []Anomaly{{Kind: Flood, Rule: "answers without end", Detail: fmt.Sprintf("%d answers to %d messages", r.Count, len(e.Payloads))}}
	case r.Silent:
		found = append(found, Anomaly{Kind: Hang, Rule: "an honest question is not answered", Section: "RFC 5352 section 3", Detail: "through " + e.Caller.String()})
	case r.Done && j.SlowAfter > 0 && r.Took > j.SlowAfter:
		found = append(found, Anomaly{Kind: Slow, Rule: "an honest question is answered late", Detail: r.Took.Round(time.Millisecond).String()})
	}
	for i := range r.Replies {
		if a, bad := j.reply(e, &r.Replies[i]); bad {
			found = append(found, a)
		}
	}
	return found
}

func (j *Judge) reply(e *link.Exchange, r *link.Reply) (Anomaly, bool) {
	if r.Message == nil {
		a := Anomaly{Kind: Garbage, Rule: "an answer is no message", Section: "RFC 5354 section 2", Detail: fmt.Sprintf("%.64x: %v", r.Raw, r.Err)}
		var d *wire.DecodeError
		if errors.As(r.Err, &d) {
			a.Rule = fmt.Sprintf("an answer is no message: %s: %s %s", wire.MessageName(d.Protocol, d.Type), d.Element, d.Field)
		}
		return a, true
	}
	role := model.RoleOf(j.Secured, e.Caller)
	switch m := r.Message.(type) {
	case *wire.RegistrationResponse:
		if !m.Reject {
			return j.granted(e, role, m)
		}
	case *wire.DeregistrationResponse:
		if len(m.Causes) == 0 {
			return j.removed(e, role, m)
		}
	case *wire.HandleResolutionResponse:
		if role == model.Stranger && len(m.Elements) > 0 {
			return Anomaly{Kind: Oracle, Rule: "a pool is told to a stranger", Requirement: "T2.15-R5", Detail: e.Caller.String()}, true
		}
	case *wire.HandleTableResponse:
		if role != model.Peer && !m.Reject {
			return Anomaly{Kind: Oracle, Rule: "the handle table is told to a " + string(role), Requirement: "T2.15-R4", Detail: e.Caller.String()}, true
		}
	}
	return Anomaly{}, false
}

// granted judges a registration that was granted.
func (j *Judge) granted(e *link.Exchange, role model.Role, m *wire.RegistrationResponse) (Anomaly, bool) {
	a := Anomaly{Kind: Oracle, Detail: fmt.Sprintf("element %s in pool %q through %s", m.PEID, m.PoolHandle, e.Caller)}
	switch {
	case !j.asked(e, func(sent wire.Message) bool {
		r, ok := sent.(*wire.Registration)
		return ok && r.Element.ID == m.PEID && bytes.Equal(r.PoolHandle, m.PoolHandle)
	}):
		a.Rule, a.Section = "a registration is granted that nobody asked for in a well-formed message", "RFC 5354 section 2"
	case !j.Secured:
		return a, false
	case role != model.PE:
		a.Rule, a.Requirement = "a registration is granted to a "+string(role), "T2.1-R1"
	case !j.mayJoin(e.Caller.As, string(m.PoolHandle)):
		a.Rule, a.Requirement = "a registration is granted in a pool that the element may not join", "T2.4-R1"
	case uint32(m.PEID) == e.Address.Victim && string(m.PoolHandle) == j.Pool:
		a.Rule, a.Requirement = "a registration of somebody else's element is granted", "T2.3-R6"
	case !j.asked(e, func(sent wire.Message) bool {
		r, ok := sent.(*wire.Registration)
		return ok && r.Element.ID == m.PEID && bytes.Equal(r.PoolHandle, m.PoolHandle) && !slices.ContainsFunc(r.Element.User.Addrs, func(x netip.Addr) bool {
			return x.Unmap() != e.Address.Address
		})
	}):
		a.Rule, a.Requirement = "a registration at an address that is not its own is granted", "T2.3-R6"
	default:
		return a, false
	}
	return a, true
}

// removed judges a deregistration that was granted; one of an element that is not there counts as granted.
func (j *Judge) removed(e *link.Exchange, role model.Role, m *wire.DeregistrationResponse) (Anomaly, bool) {
	a := Anomaly{Kind: Oracle, Detail: fmt.Sprintf("element %s in pool %q through %s", m.PEID, m.PoolHandle, e.Caller)}
	switch {
	case !j.Secured:
		return a, false
	case role != model.PE:
		a.Rule, a.Requirement = "a deregistration is granted to a "+string(role), "T2.1-R1"
	case uint32(m.PEID) == e.Address.Victim && string(m.PoolHandle) == j.Pool:
		a.Rule, a.Requirement = "a deregistration of somebody else's element is granted", "T2.3-R6"
	default:
		return a, false
	}
	return a, true
}

func (j *Judge) mayJoin(as conversation.Credential, pool string) bool {
	if as == conversation.Restricted {
		return pool == j.OtherPool
	}
	return pool == j.Pool
}

// asked tells whether a message of the exchange is like this; lenient reading counts, as a system may be lenient.
func (j *Judge) asked(e *link.Exchange, like func(wire.Message) bool) bool {
	if slices.ContainsFunc(e.Payloads, func(p link.Payload) bool { return link.Breaks(e.Caller, p.Octets) }) {
		return true // there may be anything in the middle of it
	}
	for _, o := range [...]wire.Options{j.Wire, wire.Lenient()} {
		for _, p := range slices.Concat(e.Payloads, e.Loose) {
			if m, err := wire.Decode(e.Caller.Protocol, link.Sent(e.Caller, e.Address.Fill(nil, p.Octets)), &o); err == nil && like(m) {
				return true
			}
		}
	}
	return false
}
