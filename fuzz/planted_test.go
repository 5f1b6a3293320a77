// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"

	"github.com/rspthreat/rspthreat/fuzz/mutate"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reference/wire/layers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// planted is a target with a bug in what it calls.
type planted struct {
	bug    string
	target func(data []byte) int
	corpus string
	vary   variant
	budget int // executions within which the bug is found
}

// Budgets of executions. A message takes microseconds, a registrar with its goroutines a tenth
// of a millisecond.
const (
	smallBudget = 5_000
	largeBudget = 20_000
)

func plants() []planted {
	return []planted{
		{"the length of a policy is not checked", plantASAP, "message", mutate.Message, largeBudget},
		{"a refusal does not say where", plantENRP, "message", mutate.Message, largeBudget},
		{"an ASAP transport gets lost", plantReencode, "message", mutate.Message, smallBudget},
		{"odd cookies are refused leniently", plantLeniency, "message", mutate.Message, largeBudget},
		{"a layer is strict", plantLayer, "message", mutate.Message, smallBudget},
		{"padding is taken for the next message", plantFraming, "stream", mutate.Bytes, smallBudget},
		{"a life ends a moment too late", plantSpace(func(s *handlespace.Space) space { return late{s} }), "handlespace", mutate.Bytes, largeBudget},
		{"an audit removes what it should keep", plantSpace(func(s *handlespace.Space) space { return hasty{s} }), "handlespace", mutate.Bytes, largeBudget},
		{"every role may do everything", plantDefence(func(d *registrar.Defences) { d.Permission = nobody }), "registrar", mutate.Bytes, smallBudget},
		{"every pool is for everybody", plantDefence(func(d *registrar.Defences) { d.Pool = nobody }), "registrar", mutate.Bytes, smallBudget},
		{"elements belong to nobody", plantDefence(func(d *registrar.Defences) { d.Owner = nobody }), "registrar", mutate.Bytes, smallBudget},
		{"addresses are believed", plantDefence(func(d *registrar.Defences) { d.Address = nobody }), "registrar", mutate.Bytes, smallBudget},
		{"nobody has to authenticate", plantDefence(func(d *registrar.Defences) { d.Admission = everybody }), "registrar", mutate.Bytes, smallBudget},
		{"keep-alives are acknowledged for anybody", plantElement, "element", mutate.Bytes, smallBudget},
		{"an element of another pool is believed", plantUser, "user", mutate.Bytes, smallBudget},
		{"a request is answered twice", plantAdapter, "adapter", mutate.Bytes, smallBudget},
		{"an error has several lines", plantConfig, "config", mutate.Bytes, smallBudget},
		{"another schema is let through", plantResults, "results", mutate.Bytes, smallBudget},
	}
}

func TestPlantedBugsAreFound(t *testing.T) {
	for _, p := range plants() {
		t.Run(p.bug, func(t *testing.T) {
			t.Parallel()
			executions, fault := hunt(p.target, seeds(t, p.corpus), p.vary, 1, p.budget)
			if fault == nil {
				t.Fatalf("not found in %d executions", executions)
			}
			t.Logf("found by execution %d: %.200v", executions, fault)
		})
	}
}

// TestNothingIsFoundWithoutABug: the same hunts find nothing in the real thing.
func TestNothingIsFoundWithoutABug(t *testing.T) {
	for _, row := range []planted{
		{"asap", FuzzASAP, "message", mutate.Message, smallBudget},
		{"enrp", FuzzENRP, "message", mutate.Message, smallBudget},
		{"reencode", FuzzReencode, "message", mutate.Message, smallBudget},
		{"leniency", FuzzLeniency, "message", mutate.Message, smallBudget},
		{"layer", FuzzLayer, "message", mutate.Message, smallBudget},
		{"framing", FuzzFraming, "stream", mutate.Bytes, smallBudget / 10},
		{"handlespace", FuzzHandlespace, "handlespace", mutate.Bytes, smallBudget / 10},
		{"registrar", FuzzRegistrar, "registrar", mutate.Bytes, smallBudget / 10},
		{"element", FuzzElement, "element", mutate.Bytes, smallBudget / 10},
		{"user", FuzzUser, "user", mutate.Bytes, smallBudget / 10},
		{"adapter", FuzzAdapter, "adapter", mutate.Bytes, smallBudget / 10},
		{"config", FuzzConfig, "config", mutate.Bytes, smallBudget / 10},
		{"results", FuzzResults, "results", mutate.Bytes, smallBudget},
	} {
		t.Run(row.bug, func(t *testing.T) {
			t.Parallel()
			if executions, fault := hunt(row.target, seeds(t, row.corpus), row.vary, 1, row.budget); fault != nil {
				t.Fatalf("execution %d: %v", executions, fault)
			}
		})
	}
}

func plantASAP(data []byte) int {
	return decode(data, wire.ASAP, func(p wire.Protocol, b []byte, o *wire.Options) (wire.Message, error) {
		m, err := wire.Decode(p, b, o)
		if e := new(wire.DecodeError); errors.As(err, &e) && e.Element == "policy" && e.Field == "length" {
			_ = b[len(b)] // what reading on without the check comes to
		}
		return m, err
	})
}

func plantENRP(data []byte) int {
	return decode(data, wire.ENRP, func(p wire.Protocol, b []byte, o *wire.Options) (wire.Message, error) {
		m, err := wire.Decode(p, b, o)
		if e := new(wire.DecodeError); errors.As(err, &e) && e.Element == wire.ParameterName(wire.ParameterPEChecksum) {
			err = e.Err
		}
		return m, err
	})
}

func plantReencode(data []byte) int {
	return reencode(data, func(m wire.Message, o *wire.Options) ([]byte, error) {
		if u, ok := m.(*wire.HandleUpdate); ok && u.Element.HasASAP {
			c := *u
			c.Element.HasASAP = false
			m = &c
		}
		return m.Append(nil, o)
	})
}

func plantLeniency(data []byte) int {
	return leniency(data, func(p wire.Protocol, b []byte, o *wire.Options) (wire.Message, error) {
		m, err := wire.Decode(p, b, o)
		if c, ok := m.(*wire.Cookie); ok && o.AnyOrder && len(c.Value)%4 == 3 {
			return nil, wire.ErrLength
		}
		return m, err
	})
}

func plantLayer(data []byte) int {
	return layer(data, func(p wire.Protocol, b []byte) []gopacket.Layer {
		list := dissect(p, b)
		for i, l := range list {
			if m, ok := l.(*layers.Message); ok {
				if _, err := wire.Decode(p, m.LayerContents(), nil); err != nil {
					list[i] = &layers.Malformed{BaseLayer: m.BaseLayer, Err: err}
				}
			}
		}
		return list
	})
}

// unpadded is an association that leaves the padding of a message in the stream.
type unpadded struct{ association.Association }

func (u unpadded) Receive(ctx context.Context) (association.Message, error) {
	m, err := u.Association.Receive(ctx)
	if err == nil {
		m.Payload = m.Payload[:binary.BigEndian.Uint16(m.Payload[2:])]
	}
	return m, err
}

func plantFraming(data []byte) int {
	return framing(data, func(ctx context.Context, l association.Limits, wrap func(net.Conn) net.Conn) (association.Association, error) {
		a, err := dialTCP(ctx, l, wrap)
		return unpadded{a}, err
	})
}

func plantSpace(bug func(*handlespace.Space) space) func(data []byte) int {
	return func(data []byte) int {
		return operate(data, func(o handlespace.Options) space { return bug(handlespace.New(o)) })
	}
}

type late struct{ *handlespace.Space }

func (l late) Expire(now time.Time) []handlespace.Element { return l.Space.Expire(now.Add(-1)) }

// hasty sweeps elements that have been registered again since they were marked.
type hasty struct{ *handlespace.Space }

func (h hasty) Register(now time.Time, handle []byte, pe *wire.PoolElement, owner string) (handlespace.Outcome, error) {
	o, err := h.Space.Register(now, handle, pe, owner)
	if o == handlespace.Updated && pe.Life == wire.LifeInfinite {
		h.Mark(pe.Home)
	}
	return o, err
}

// nobody is a defence against nobody.
var nobody = registrar.DefenceFunc(func(*registrar.Query) *registrar.Refusal { return nil })

var everybody = registrar.AdmissionFunc(func(o *registrar.Origin, _ registrar.Keyring) registrar.Principal {
	return registrar.Principal{Role: registrar.RoleUnconfined, Name: o.Info.Remote.Addr().String()}
})

func plantDefence(bug func(*registrar.Defences)) func(data []byte) int {
	return func(data []byte) int {
		d := registrar.NewDefences()
		bug(&d)
		return besiege(data, d)
	}
}

func plantConfig(data []byte) int {
	return configuration(data, func(b []byte) (*sut.Config, error) {
		c, err := sut.ParseConfig(b)
		if err != nil && strings.Contains(err.Error(), "address") {
			err = fmt.Errorf("%w\n> doors:", err)
		}
		return c, err
	})
}

func plantResults(data []byte) int {
	return results(data, func(r io.Reader) (*reports.Results, error) {
		got, err := reports.ReadResults(r)
		if errors.Is(err, reports.ErrSchema) {
			return &reports.Results{}, nil
		}
		return got, err
	})
}

func plantElement(data []byte) int {
	return attend(data, poolelement.NewDefences(), func(l *link) association.Association { return &eager{link: l} })
}

// eager acknowledges every keep-alive itself, whoever is meant.
type eager struct{ *link }

func (e *eager) Receive(ctx context.Context) (association.Message, error) {
	m, err := e.link.Receive(ctx)
	if k, decodeErr := wire.Decode(wire.ASAP, m.Payload, nil); err == nil && decodeErr == nil {
		if k, ok := k.(*wire.EndpointKeepAlive); ok {
			b, _ := wire.Encode(&wire.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: elementPEID})
			_ = e.Send(ctx, association.Message{Payload: b})
		}
	}
	return m, err
}

func plantUser(data []byte) int {
	return inform(data, pooluser.NewDefences(), func(r pooluser.Resolution) pooluser.Resolution {
		for i := range r.Elements {
			if r.Elements[i].Home == peerID { // of a table that another answer is kept in
				r.Elements[i].ID++
			}
		}
		return r
	})
}

func plantAdapter(data []byte) int {
	return adapt(data, func(in []byte) ([]byte, error) {
		out, err := serveAdapter(in)
		if bytes.Contains(out, []byte(`"error"`)) {
			out = append(out, out...)
		}
		return out, err
	})
}
