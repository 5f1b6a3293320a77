// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// tolerant is a registrar that is no more than what fuzzing needs: it answers resolutions and
// registrations, passes over what it does not understand, and keeps the association. It shows
// what the fuzzer does where the target allows it.
type tolerant struct {
	transport association.Transport
	listener  association.Listener
	stack     *association.Stack
	cancel    context.CancelFunc
	wg        sync.WaitGroup

	mu       sync.Mutex
	elements map[wire.PEID]wire.PoolElement
}

func (t *tolerant) Start(ctx context.Context) (*link.System, error) {
	if err := t.Close(ctx); err != nil {
		return nil, err
	}
	t.elements = map[wire.PEID]wire.PoolElement{}
	at := netip.AddrFrom4([4]byte{127, 93, byte(time.Now().UnixNano()), byte(1 + time.Now().UnixNano()>>8%200)})
	c := association.ListenConfig{Transport: t.transport, Addr: netip.AddrPortFrom(at, 0), PPID: wire.PPIDASAP}
	var err error
	if t.transport.IsSCTP() {
		if t.stack, err = association.NewStack(association.StackConfig{Local: at, Transport: t.transport}); err != nil {
			return nil, err
		}
		c.Stack = t.stack
	}
	if t.listener, err = association.Listen(ctx, c); err != nil {
		return nil, err
	}
	var serving context.Context
	serving, t.cancel = context.WithCancel(context.Background())
	t.wg.Go(func() { t.accept(serving) })
	return &link.System{
		Doors: []sut.Door{{Protocol: wire.ASAP, Transport: t.transport, Addr: t.listener.Addr()}},
		Pool:  "EchoPool", Wire: wire.Strict(), Response: 5 * time.Second, Removal: time.Hour,
	}, nil
}

func (t *tolerant) accept(ctx context.Context) {
	for {
		a, err := t.listener.Accept(ctx)
		if err != nil {
			return
		}
		t.wg.Go(func() {
			defer a.Abort("done")
			for {
				m, err := a.Receive(ctx)
				if err != nil {
					return
				}
				if b := t.answer(m.Payload); b != nil && a.Send(ctx, association.Message{Payload: b}) != nil {
					return
				}
			}
		})
	}
}

func (t *tolerant) answer(b []byte) []byte {
	m, err := wire.Decode(wire.ASAP, b, nil)
	if err != nil {
		return nil
	}
	var answer wire.Message
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m := m.(type) {
	case *wire.Registration:
		if len(t.elements) < 100 && string(m.PoolHandle) == "EchoPool" {
			t.elements[m.Element.ID] = wire.Clone(m).(*wire.Registration).Element
		}
		answer = &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID}
	case *wire.HandleResolution:
		r := &wire.HandleResolutionResponse{PoolHandle: m.PoolHandle}
		if string(m.PoolHandle) == "EchoPool" {
			for _, e := range t.elements {
				e.Policy = wire.Policy{Type: wire.RoundRobin}
				r.Elements = append(r.Elements, e)
			}
		}
		if len(r.Elements) == 0 {
			r.Causes = []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
		}
		answer = r
	default:
		return nil
	}
	out, err := wire.Encode(answer)
	if err != nil {
		return nil
	}
	return out
}

func (*tolerant) Restarts() bool           { return true }
func (*tolerant) Process() monitor.Process { return nil }

func (t *tolerant) Close(context.Context) error {
	if t.listener == nil {
		return nil
	}
	err := t.listener.Close()
	t.cancel()
	t.wg.Wait()
	if t.stack != nil {
		_ = t.stack.Close()
		t.stack = nil
	}
	t.listener = nil
	return err
}

// cpuTime is what this process, the target in it included, has used of the processors: the number
// to trust on a machine that does other work.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCampaign runs as many cases as b.N says, and reports how many a second. The marks are
// for loopback: 20,000 cases/s with associations that are used again where the target allows it, and
// 5,000 with one for each case.
func BenchmarkCampaign(b *testing.B) {
	reference := func(b *testing.B) target.Target {
		e, err := sut.NewEmbedded()
		if err != nil {
			b.Fatal(err)
		}
		return &target.External{Target: e}
	}
	for _, row := range []struct {
		name      string
		target    func(b *testing.B) target.Target
		reconnect bool
		roles     []model.Role
	}{
		{"tolerant/tcp", func(*testing.B) target.Target { return &tolerant{transport: association.TCP} }, false, nil},
		{"tolerant/tcp/reconnect", func(*testing.B) target.Target { return &tolerant{transport: association.TCP} }, true, nil},
		{"tolerant/sctp-udp", func(*testing.B) target.Target { return &tolerant{transport: association.SCTPUDP} }, false, nil},
		{"reference/secured/all", reference, false, nil},
		{"reference/secured/pu", reference, false, []model.Role{model.PU}},
	} {
		b.Run(row.name, func(b *testing.B) {
			t := row.target(b)
			defer func() {
				if err := t.Close(context.Background()); err != nil {
					b.Error(err)
				}
			}()
			b.ReportAllocs()
			dir := b.TempDir()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			cpu := cpuTime(b)
			s, err := campaign.Run(b.Context(), campaign.Options{
				Target: t, Dir: dir, Seed: 1, Cases: uint64(b.N), Reconnect: row.reconnect, Roles: row.roles,
			})
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			for _, f := range s.Findings {
				b.Errorf("%s: %s (%s)", f.Case, f, f.Detail)
			}
			b.ReportMetric(float64(s.NewCases)/s.Ran.Seconds(), "cases/s")
			b.ReportMetric(float64(s.NewCases)/(cpuTime(b)-cpu).Seconds(), "cases/CPU-s")
			b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "MiB-after")
		})
	}
}
