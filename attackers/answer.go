// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"fmt"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Describe tells what an answer says, in a few words.
func Describe(m wire.Message) string {
	switch m := m.(type) {
	case *wire.RegistrationResponse:
		if m.Reject {
			return m.Name() + " reject" + causes(m.Causes)
		}
		return m.Name() + " accept" + causes(m.Causes)
	case *wire.DeregistrationResponse:
		if len(m.Causes) > 0 {
			return m.Name() + " reject" + causes(m.Causes)
		}
		return m.Name() + " accept"
	case *wire.HandleResolutionResponse:
		return fmt.Sprintf("%s with %d elements%s", m.Name(), len(m.Elements), causes(m.Causes))
	case *wire.HandleTableResponse:
		return fmt.Sprintf("%s with %d pools%s", m.Name(), len(m.Pools), rejected(m.Reject))
	case *wire.ListResponse:
		return fmt.Sprintf("%s with %d servers%s", m.Name(), len(m.Servers), rejected(m.Reject))
	case *wire.ASAPError:
		return m.Name() + causes(m.Causes)
	case *wire.ENRPError:
		return m.Name() + causes(m.Causes)
	default:
		return m.Name()
	}
}

func rejected(r bool) string {
	if r {
		return ", rejected"
	}
	return ""
}

func causes(list []wire.Cause) string {
	if len(list) == 0 {
		return ""
	}
	names := make([]string, 0, len(list))
	for _, c := range list {
		names = append(names, c.Code.String())
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// Accepts tells whether an answer grants what was asked: a registration or deregistration
// without a rejection.
func Accepts(m wire.Message) bool {
	switch m := m.(type) {
	case *wire.RegistrationResponse:
		return !m.Reject
	case *wire.DeregistrationResponse:
		return len(m.Causes) == 0
	default:
		return false
	}
}

// Discloses tells whether an answer does anything but reject: it grants, gives information
// of the handlespace or the group away, or takes part in the protocol.
func Discloses(m wire.Message) bool {
	switch m := m.(type) {
	case nil, *wire.ASAPError, *wire.ENRPError:
		return false
	case *wire.RegistrationResponse, *wire.DeregistrationResponse:
		return Accepts(m)
	case *wire.HandleResolutionResponse:
		for _, c := range m.Causes {
			if c.Code == wire.CauseSecurity {
				return false
			}
		}
		return true // even "unknown pool handle" tells something about the handlespace
	case *wire.HandleTableResponse:
		return !m.Reject
	case *wire.ListResponse:
		return !m.Reject
	default:
		return true
	}
}
