// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// peer is another registrar of the group.
type peer struct {
	Transport         string `yaml:"transport"`
	Address           string `yaml:"address"`
	EncapsulationPort uint16 `yaml:"encapsulation_port"`
	ServerID          uint32 `yaml:"server_id"`
	Identity          string `yaml:"identity"`
}

// announcing enables ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6).
type announcing struct {
	Group     string `yaml:"group"`
	Local     string `yaml:"local"`
	Interface string `yaml:"interface"`
}

// credentials fills in by which keys the registrar shows itself when it dials.
func (f *registrarFile) credentials(d *document, keys secrets, c *registrar.Config) {
	if f.Identity != "" {
		c.Credential = &registrar.Credential{Identity: f.Identity, Key: d.key("identity", f.Identity, keys)}
	} else if len(f.Peers) > 0 {
		d.fail("identity", "is missing: a secured registrar needs one to dial its peers")
	}
	if f.ElementIdentity != "" {
		one := registrar.Credential{Identity: f.ElementIdentity, Key: d.key("element_identity", f.ElementIdentity, keys)}
		c.ElementCredential = func(handlespace.Element) (registrar.Credential, bool) { return one, true }
	}
	for n, p := range f.Peers {
		if p.Identity == "" {
			continue
		}
		found := false
		for _, i := range f.Identities {
			found = found || i.Identity == p.Identity && i.Role == registrar.RoleRegistrar.String()
		}
		if !found {
			d.fail(fmt.Sprintf("peers[%d].identity", n), "%q is not among the identities with the role registrar", p.Identity)
		}
	}
}

// group fills in what concerns other registrars.
func (f *registrarFile) group(d *document, x dialect, c *registrar.Config) {
	for n, p := range f.Peers {
		place := fmt.Sprintf("peers[%d].", n)
		c.Peers = append(c.Peers, registrar.Peer{
			Transport: d.transport(place+"transport", p.Transport, association.SCTP, association.SCTPUDP, association.SCTPKernel),
			Addr:      d.endpoint(place+"address", p.Address), UDPPort: p.EncapsulationPort,
			Server: wire.ServerID(p.ServerID), Identity: p.Identity,
		})
	}
	arbitrations := []string{"larger-id-wins", "smaller-id-wins"}
	if x.rsplib {
		slices.Reverse(arbitrations) // the first one is the default
	}
	if d.oneOf("arbitration", f.Arbitration, arbitrations...) == "smaller-id-wins" {
		c.Arbitration = registrar.SmallerIDWins
	}
	if a := f.Announcements; a != nil {
		group := x.group
		if a.Group != "" {
			group = d.endpoint("announcements.group", a.Group)
		}
		c.Announcements = &registrar.Announcements{
			Group: group, Local: d.endpoint("announcements.local", a.Local), Interface: a.Interface,
		}
	}
}
