// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrFlood says that the system answered without end.
var ErrFlood = errors.New("the system floods with answers")

// Question is an honest question whose answer shows that the system has dealt with everything
// before it on the association.
type Question uint8

// The questions.
const (
	// AskNothing is for doors behind which nobody answers: whatever is sent, there is nothing to wait for.
	AskNothing Question = iota
	// AskResolution resolves a pool that does not exist, with a handle that is new each time.
	AskResolution
	// AskRegistration is for the clear door of a secured system, which refuses a registration
	// with an answer (RFC 5352 section 9.3).
	AskRegistration
	// AskServers asks for the list of registrars, or for the handle table when the group
	// may be answered with a list itself.
	AskServers
)

// firstQuestion is what a caller tries first.
func firstQuestion(secured bool, c conversation.Caller) Question {
	switch {
	case c.Transport == association.UDP:
		return AskNothing
	case c.Protocol == wire.ENRP:
		return AskServers
	case secured && !c.Secured:
		return AskRegistration
	}
	return AskResolution
}

// questionHandle begins the pool handles of questions.
const questionHandle = "rspthreat?"

// questioner is the server ID of questions.
const questioner = wire.ServerID(0xfdfdfdfd)

// asked is a question that has been sent.
type asked struct {
	payload []byte
	handle  string
	answer  uint8 // type of the answer
}

// ask makes the next question.
func (l *Link) ask(group []Payload) asked {
	if l.broken {
		return asked{} // its answer would say nothing
	}
	l.nonce++
	switch l.Question {
	case AskResolution, AskRegistration:
		return l.askASAP()
	case AskServers:
		return l.askENRP(group)
	}
	return asked{}
}

func (l *Link) askASAP() asked {
	handle := fmt.Appendf(make([]byte, 0, 24), "%s%08x", questionHandle, l.nonce)
	if l.Question == AskRegistration {
		pe := wire.PoolElement{
			ID: 1, Life: 1, Policy: wire.Policy{Type: wire.RoundRobin},
			User: wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{l.Values.Address}},
		}
		b, err := (&wire.Registration{PoolHandle: handle, Element: pe}).Append(nil, &l.system.Wire)
		if err != nil {
			return asked{}
		}
		return asked{payload: b, handle: string(handle), answer: wire.TypeRegistrationResponse}
	}
	b, err := (&wire.HandleResolution{PoolHandle: handle}).Append(make([]byte, 0, 32), &l.system.Wire)
	if err != nil {
		return asked{}
	}
	return asked{payload: b, handle: string(handle), answer: wire.TypeHandleResolutionResponse}
}

// askENRP asks something whose answer the group cannot bring about itself. The sender is the one
// that the association spoke for first, since one association speaks for one server.
func (l *Link) askENRP(group []Payload) asked {
	sender := questioner
	if l.self != 0 {
		sender = l.self
	}
	lists := slices.ContainsFunc(group, func(p Payload) bool { return len(p.Octets) > 0 && p.Octets[0] == wire.TypeListRequest })
	var m wire.Message = &wire.ListRequest{Sender: sender, Receiver: wire.ServerID(conversation.Server)}
	a := asked{answer: wire.TypeListResponse}
	if lists {
		m, a.answer = &wire.HandleTableRequest{Sender: sender, Receiver: wire.ServerID(conversation.Server), OwnChildrenOnly: true}, wire.TypeHandleTableResponse
	}
	var err error
	if a.payload, err = m.Append(nil, &l.system.Wire); err != nil {
		return asked{}
	}
	return a
}

// speakFor remembers the server that the association speaks for: the sender of the first
// well-formed message in it that can be a sender.
func (l *Link) speakFor(payload []byte) {
	if l.self != 0 || l.Caller.Protocol != wire.ENRP || len(payload) < 2*wire.HeaderLength {
		return
	}
	const after = wire.HeaderLength
	id := wire.ServerID(binary.BigEndian.Uint32(payload[after:]))
	if id == 0 || id == wire.ServerID(conversation.Server) || uint32(id) == l.Values.Server {
		return
	}
	if !slices.Contains(l.selves, id) && len(l.selves) < maxSelves {
		l.selves = append(l.selves, id)
	}
	if len(payload) < 3*after { // what is for another registrar is not heard
		return
	}
	if to := binary.BigEndian.Uint32(payload[2*after:]); to != 0 && to != uint32(conversation.Server) && to != l.Values.Server {
		return
	}
	if _, err := wire.Decode(wire.ENRP, payload, &l.system.Wire); err == nil {
		l.self = id
	}
}

// maxSelves is how many senders are tried one after the other.
const maxSelves = 8

// insist asks once more after a question was not answered, as every sender that the association
// has named: which of them it speaks for is the system's to say.
func (l *Link) insist(ctx context.Context) bool {
	if l.Question != AskServers || l.ended != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, l.system.Response)
	defer cancel()
	for _, id := range append(l.selves, questioner) {
		b, err := (&wire.ListRequest{Sender: id}).Append(nil, &l.system.Wire)
		if err != nil || l.assoc.Send(ctx, association.Message{Payload: b}) != nil {
			return false
		}
	}
	for {
		m, err := l.assoc.Receive(ctx)
		if err != nil {
			return false
		}
		if r := l.decode(m.Payload); r.Message != nil && r.Message.Type() == wire.TypeListResponse {
			return true
		}
	}
}

// answers tells which of the questions the reply answers, counted from the first, -1 for none.
func answers(list []asked, r *Reply) int {
	if r.Message == nil {
		return -1
	}
	handle := ""
	switch m := r.Message.(type) {
	case *wire.HandleResolutionResponse:
		handle = string(m.PoolHandle)
	case *wire.RegistrationResponse:
		handle = string(m.PoolHandle)
	case *wire.ListResponse, *wire.HandleTableResponse:
		if list[0].handle == "" && r.Message.Type() == list[0].answer {
			return 0
		}
		return -1
	}
	if !strings.HasPrefix(handle, questionHandle) {
		return -1
	}
	return slices.IndexFunc(list, func(a asked) bool { return a.handle == handle })
}

// Calibrate returns the question that the system answers behind the door of a caller, if only by
// ending the association, and AskNothing when it stays silent.
func (s *System) Calibrate(ctx context.Context, c conversation.Caller) (Question, error) {
	l, err := s.Open(ctx, c, conversation.Values{}, nil)
	if err != nil {
		return AskNothing, err
	}
	defer l.Abort()
	if l.witness != nil {
		return AskNothing, nil
	}
	r := l.Exchange(ctx, []Group{{}}, nil)[0]
	if r.Silent || r.Unasked {
		return AskNothing, nil
	}
	return l.Question, nil
}
