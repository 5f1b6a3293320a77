// SPDX-License-Identifier: Apache-2.0

//go:build group

package group

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// watch is what the observer is told: who it is as a peer registrar.
type watch struct {
	Server        wire.ServerID
	Identity, Key string
}

// seen is what a registrar shows to a peer, or why it does not.
type seen struct {
	Server   wire.ServerID
	Checksum uint16
	Elements []shown
	Error    string
}

// shown is an element in a handle table. It can be compared.
type shown struct {
	Pool     string
	ID       wire.PEID
	Home     wire.ServerID
	User     string
	Policy   string
	Lifetime int32
}

// observer downloads the handle table of the registrar whose address it is asked.
func observer(in io.Reader, out io.Writer) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	var w watch
	if err := questions.Decode(&w); err != nil {
		return err
	}
	for {
		var at netip.Addr
		if err := questions.Decode(&at); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		s, err := w.look(at)
		if err != nil {
			s = &seen{Error: err.Error()}
		}
		if err := answers.Encode(s); err != nil {
			return err
		}
	}
}

// lookWithin bounds a look: many packets of it may be lost.
const lookWithin = 15 * time.Second

func (w *watch) look(at netip.Addr) (*seen, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	d := association.Dialer{
		Transport: association.SCTPUDP, PPID: wire.PPIDENRP,
		TLS: &tlspsk.Config{PSKIdentity: w.Identity, PSKKey: []byte(w.Key), Messages: true},
	}
	a, err := d.Dial(ctx, netip.AddrPortFrom(at, wire.PortENRPTLS))
	if err != nil {
		return nil, err
	}
	defer func() {
		if a.Close(ctx) != nil {
			_ = a.Abort("seen enough")
		}
	}()
	s := &seen{}
	next := func(m wire.Message, take func(wire.Message) bool) error {
		b, err := wire.Encode(m)
		if err == nil {
			err = a.Send(ctx, association.Message{Payload: b, PPID: wire.PPIDENRP})
		}
		for err == nil {
			var r association.Message
			if r, err = a.Receive(ctx); err != nil {
				break
			}
			var m wire.Message
			if m, err = wire.Decode(wire.ENRP, r.Payload, nil); err == nil && take(m) {
				return nil
			}
		}
		return err
	}
	err = next(&wire.Presence{Sender: w.Server, ReplyRequired: true}, func(m wire.Message) bool {
		p, ok := m.(*wire.Presence)
		if ok && p.HasChecksum {
			s.Server, s.Checksum = p.Sender, p.Checksum
		}
		return ok && p.HasChecksum
	})
	for more := true; more && err == nil; {
		rejected := false
		err = next(&wire.HandleTableRequest{Sender: w.Server, Receiver: s.Server}, func(m wire.Message) bool {
			t, ok := m.(*wire.HandleTableResponse)
			if ok {
				more, rejected = t.More, t.Reject
				s.take(t)
			}
			return ok
		})
		if rejected {
			return nil, errors.New("the registrar rejects a download")
		}
	}
	return s, err
}

func (s *seen) take(m *wire.HandleTableResponse) {
	for _, p := range m.Pools {
		for _, e := range p.Elements {
			s.Elements = append(s.Elements, shown{
				Pool: string(p.PoolHandle), ID: e.ID, Home: e.Home, Lifetime: e.Life,
				User: fmt.Sprint(e.User), Policy: fmt.Sprint(e.Policy),
			})
		}
	}
}
