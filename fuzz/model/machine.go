// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// State is where a conversation stands, as the caller sees it.
type State string

// Connected is the first state of every machine.
const Connected State = "connected"

// Transition is an honest message and the state that it leads to.
type Transition struct {
	Name     string
	From, To State
	Message  func(e *Env) wire.Message
	// Answer is the name of the message that the registrar answers with; "" when it does not.
	Answer string
}

// Machine is the protocol as one role sees it.
type Machine struct {
	Role        Role
	Protocol    wire.Protocol
	Transitions []Transition
}

// machines are all there are.
var machines = []*Machine{peMachine(), puMachine(), peerMachine()}

// Machines returns the state machines.
func Machines() []*Machine { return slices.Clone(machines) }

// machineOf returns the machine whose states a part can be led into. A stranger has the one that
// its door is for, and gets no further than its first state, but tries.
func machineOf(p Part) *Machine {
	role := p.Role
	if role == Stranger {
		role = PE
		if p.Caller.Protocol == wire.ENRP {
			role = Peer
		}
	}
	i := slices.IndexFunc(machines, func(m *Machine) bool { return m.Role == role })
	return machines[i]
}

// States returns the states, the first one first.
func (m *Machine) States() []State {
	states := []State{Connected}
	for i := range m.Transitions {
		if to := m.Transitions[i].To; !slices.Contains(states, to) {
			states = append(states, to)
		}
	}
	return states
}

// Path returns the transitions from the first state, the fewest possible.
func (m *Machine) Path(to State) []*Transition {
	paths := map[State][]*Transition{Connected: {}}
	for queue := []State{Connected}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for i := range m.Transitions {
			t := &m.Transitions[i]
			if t.From != at {
				continue
			}
			if _, seen := paths[t.To]; !seen {
				paths[t.To] = append(slices.Clone(paths[at]), t)
				queue = append(queue, t.To)
			}
		}
	}
	return paths[to]
}

func peMachine() *Machine {
	register := func(e *Env) wire.Message { return e.registration() }
	return &Machine{Role: PE, Protocol: wire.ASAP, Transitions: []Transition{
		{"register", Connected, "registered", register, "ASAP_REGISTRATION_RESPONSE"},
		{"reregister", "registered", "registered", register, "ASAP_REGISTRATION_RESPONSE"},
		{"change policy", "registered", "registered", func(e *Env) wire.Message {
			m := e.registration()
			m.Element.Life = 20
			return m
		}, "ASAP_REGISTRATION_RESPONSE"},
		{"report oneself", "registered", "questioned", func(e *Env) wire.Message {
			return &wire.EndpointUnreachable{PoolHandle: e.pool(), PEID: e.ID}
		}, "ASAP_ENDPOINT_KEEP_ALIVE"},
		{"acknowledge", "questioned", "registered", func(e *Env) wire.Message {
			return &wire.EndpointKeepAliveAck{PoolHandle: e.pool(), PEID: e.ID}
		}, ""},
		{"deregister", "registered", "deregistered", func(e *Env) wire.Message {
			return &wire.Deregistration{PoolHandle: e.pool(), PEID: e.ID}
		}, "ASAP_DEREGISTRATION_RESPONSE"},
		{"register again", "deregistered", "registered", register, "ASAP_REGISTRATION_RESPONSE"},
	}}
}

func puMachine() *Machine {
	resolve := func(subscribe bool) func(e *Env) wire.Message {
		return func(e *Env) wire.Message { return &wire.HandleResolution{PoolHandle: e.pool(), Subscribe: subscribe} }
	}
	return &Machine{Role: PU, Protocol: wire.ASAP, Transitions: []Transition{
		{"resolve", Connected, "resolved", resolve(false), "ASAP_HANDLE_RESOLUTION_RESPONSE"},
		{"resolve again", "resolved", "resolved", resolve(false), "ASAP_HANDLE_RESOLUTION_RESPONSE"},
		{"subscribe", "resolved", "subscribed", resolve(true), "ASAP_HANDLE_RESOLUTION_RESPONSE"},
		{"unsubscribe", "subscribed", "resolved", resolve(false), "ASAP_HANDLE_RESOLUTION_RESPONSE"},
		{"report", "resolved", "reported", func(e *Env) wire.Message {
			return &wire.EndpointUnreachable{PoolHandle: e.pool(), PEID: e.ID}
		}, ""},
		{"resolve anew", "reported", "resolved", resolve(false), "ASAP_HANDLE_RESOLUTION_RESPONSE"},
	}}
}

func peerMachine() *Machine {
	update := func(action wire.UpdateAction) func(e *Env) wire.Message {
		return func(e *Env) wire.Message {
			return &wire.HandleUpdate{Sender: e.Self, Receiver: serverID, Action: action, PoolHandle: e.pool(), Element: e.announced()}
		}
	}
	return &Machine{Role: Peer, Protocol: wire.ENRP, Transitions: []Transition{
		{"introduce", Connected, "introduced", func(e *Env) wire.Message { return e.presence(true) }, "ENRP_PRESENCE"},
		{"heartbeat", "introduced", "introduced", func(e *Env) wire.Message { return e.presence(false) }, ""},
		{"ask for peers", "introduced", "listed", func(e *Env) wire.Message {
			return &wire.ListRequest{Sender: e.Self, Receiver: serverID}
		}, "ENRP_LIST_RESPONSE"},
		{"download", "listed", "synchronised", func(e *Env) wire.Message {
			return &wire.HandleTableRequest{Sender: e.Self, Receiver: serverID}
		}, "ENRP_HANDLE_TABLE_RESPONSE"},
		{"announce an element", "introduced", "owner", update(wire.AddPE), ""},
		{"announce it again", "owner", "owner", update(wire.AddPE), ""},
		{"withdraw the element", "owner", "introduced", update(wire.DelPE), ""},
		{"be audited", "introduced", "audited", func(e *Env) wire.Message {
			p := e.presence(false)
			p.Checksum = ^p.Checksum - 1
			return p
		}, "ENRP_HANDLE_TABLE_REQUEST"},
		{"answer the audit", "audited", "introduced", func(e *Env) wire.Message {
			return &wire.HandleTableResponse{Sender: e.Self, Receiver: serverID}
		}, ""},
		{"claim a dead peer", "introduced", "claiming", func(e *Env) wire.Message {
			return &wire.InitTakeover{Sender: e.Self, Receiver: serverID, Target: deadPeer}
		}, "ENRP_INIT_TAKEOVER_ACK"},
		{"take it over", "claiming", "introduced", func(e *Env) wire.Message {
			return &wire.TakeoverServer{Sender: e.Self, Receiver: serverID, Target: deadPeer}
		}, ""},
	}}
}
