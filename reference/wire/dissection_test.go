// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// dissection collects what a dissector finds in a message, in its order.
type dissection struct {
	pools, ids, homes, policies, v4, v6 []string
}

func (d *dissection) pool(h PoolHandle) { d.pools = append(d.pools, hex.EncodeToString(h)) }

func (d *dissection) policy(p *Policy) {
	d.policies = append(d.policies, fmt.Sprintf("0x%08x", uint32(p.Type)))
}

func (d *dissection) transport(t *Transport) {
	for _, a := range t.Addrs {
		if a.Is4() {
			d.v4 = append(d.v4, a.String())
		} else {
			d.v6 = append(d.v6, a.String())
		}
	}
}

func (d *dissection) elements(list ...PoolElement) {
	for i := range list {
		e := &list[i]
		d.ids = append(d.ids, e.ID.String())
		d.homes = append(d.homes, e.Home.String())
		d.transport(&e.User)
		d.policy(&e.Policy)
		if e.HasASAP {
			d.transport(&e.ASAP)
		}
	}
}

// message collects from the message.
func (d *dissection) message(m Message) {
	switch m := m.(type) {
	case *Registration:
		d.pool(m.PoolHandle)
		d.elements(m.Element)
	case *Deregistration:
		d.pool(m.PoolHandle)
	case *RegistrationResponse:
		d.pool(m.PoolHandle)
	case *DeregistrationResponse:
		d.pool(m.PoolHandle)
	case *HandleResolution:
		d.pool(m.PoolHandle)
	case *HandleResolutionResponse:
		d.pool(m.PoolHandle)
		if m.HasPolicy {
			d.policy(&m.Policy)
		}
		d.elements(m.Elements...)
	case *EndpointKeepAlive:
		d.pool(m.PoolHandle)
	case *EndpointKeepAliveAck:
		d.pool(m.PoolHandle)
	case *EndpointUnreachable:
		d.pool(m.PoolHandle)
	case *ServerAnnounce:
		for i := range m.Transports {
			d.transport(&m.Transports[i])
		}
	case *BusinessCard:
		d.pool(m.PoolHandle)
		d.elements(m.Elements...)
	case *Presence:
		d.transport(&m.Server.Transport)
	case *HandleTableResponse:
		for _, p := range m.Pools {
			d.pool(p.PoolHandle)
			d.elements(p.Elements...)
		}
	case *HandleUpdate:
		d.pool(m.PoolHandle)
		d.elements(m.Element)
	case *ListResponse:
		for i := range m.Servers {
			d.transport(&m.Servers[i].Transport)
		}
	}
}

// fields returns the values of the compared fields of the specimen.
func (s specimen) fields() []string {
	var d dissection
	d.message(s.message)
	values := []string{strconv.Itoa(int(s.bytes[0])), strconv.Itoa(int(s.bytes[2])<<8 | int(s.bytes[3]))}
	for _, list := range [][]string{d.pools, d.ids, d.homes, d.policies, d.v4, d.v6} {
		values = append(values, strings.Join(list, ","))
	}
	return values
}

// carriesCauses reports whether the message has causes. What is inside them is
// dissected too and adds values behind those of the message.
func carriesCauses(m Message) bool {
	switch m := m.(type) {
	case *RegistrationResponse:
		return len(m.Causes) > 0
	case *DeregistrationResponse:
		return len(m.Causes) > 0
	case *HandleResolutionResponse:
		return len(m.Causes) > 0
	case *ASAPError, *ENRPError:
		return true
	}
	return false
}
