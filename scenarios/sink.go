// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// sink is a node of the harness that a flood is directed at while honest nodes are timed: a
// control experiment. What it costs the honest nodes is the flooders' and the machine's
// doing, and not held against the system under test.
type sink struct{ station *script.Station }

// openSink opens a sink with a clear door and one with TLS, which admits whom the harness
// has keys of and rejects all that is asked.
func (s *stage) openSink(ctx context.Context) (*sink, error) {
	at := s.run.Instance.Local()
	if !at.IsValid() {
		at = towards(s.run.Instance.Doors[0].Addr)
	}
	keys := s.run.Instance.Credentials.Keys()
	o := script.StationOptions{
		Name: "sink", Peer: "attacker", Wire: s.run.Instance.Wire,
		TLS: &tlspsk.Config{Lookup: func(identity string) []byte {
			for _, k := range keys {
				if k.Identity == identity {
					return slices.Clone(k.Key)
				}
			}
			return nil
		}},
		OnMessage: func(n *script.Node, m wire.Message) bool {
			if m, ok := m.(*wire.Registration); ok {
				_ = n.Send(context.WithoutCancel(ctx), &wire.RegistrationResponse{
					Reject: true, PoolHandle: m.PoolHandle, PEID: m.Element.ID, Causes: []wire.Cause{{Code: wire.CauseSecurity}},
				}) // the flooder may have gone
			}
			return true
		},
	}
	door := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(at, 0)}
	secured := door
	secured.Secured = true
	station, err := script.Listen(ctx, o, door, secured)
	if err != nil {
		return nil, err
	}
	return &sink{station}, nil
}

// door is where the sink takes what was meant for another door.
func (s *sink) door(d script.Door) script.Door {
	for _, own := range s.station.Doors() {
		if own.Secured == d.Secured {
			return own
		}
	}
	return d
}

// control times honest nodes while flood goes on against a sink.
func (s *stage) control(ctx context.Context, flood func(ctx context.Context, aim func(script.Door) script.Door) (stop func())) []timing {
	var timings []timing
	s.run.Baseline(ctx, "control: honest nodes are timed while the same flood goes elsewhere", func(ctx context.Context, g gomega.Gomega) string {
		sink, err := s.openSink(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open a sink")
		defer sink.station.Close()
		stop := flood(ctx, sink.door)
		timings, err = s.time(ctx)
		stop()
		s.company.Leave() // what is left of the flood must not go on beside the real one
		g.Expect(err).NotTo(gomega.HaveOccurred(), "register and resolve")
		return fmt.Sprintf("median of %d registrations and resolutions: %s", len(timings), median(timings))
	})
	return timings
}
