// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/poolelement/echo"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

type pool struct {
	Handle  string     `yaml:"handle"`
	ID      uint32     `yaml:"id"`
	Life    string     `yaml:"life"`
	Policy  poolPolicy `yaml:"policy"`
	Service echoAt     `yaml:"service"`
}

type poolPolicy struct {
	Name        string  `yaml:"name"`
	Weight      uint32  `yaml:"weight"`
	Priority    uint32  `yaml:"priority"`
	Load        float64 `yaml:"load"`
	Degradation float64 `yaml:"degradation"`
}

type echoAt struct {
	Transport         string `yaml:"transport"`
	TLS               bool   `yaml:"tls"`
	Address           string `yaml:"address"`
	EncapsulationPort uint16 `yaml:"encapsulation_port"`
}

// service is where the users of one pool are served.
type service struct {
	transport association.Transport
	secured   bool
	addr      netip.AddrPort
	udpPort   uint16
}

// door is where the echo service is opened.
func (s service) door(certificate *shown) echo.Door {
	d := echo.Door{Transport: s.transport, Addr: s.addr, UDPPort: s.udpPort}
	if s.secured {
		d.TLS = &tlspsk.Config{Certificates: certificate.config(), Messages: s.transport.IsSCTP()}
	}
	return d
}

// pools fills in the pools of e and their services.
func (f *elementFile) pools(d *document, e *Element) {
	if len(f.Pools) == 0 {
		d.fail("pools", "%w", errNoPools)
	}
	seen := make(map[string]bool)
	for n, p := range f.Pools {
		place := fmt.Sprintf("pools[%d].", n)
		d.required(place+"handle", p.Handle)
		if seen[p.Handle] {
			d.fail(place+"handle", "%q is there twice", p.Handle)
		}
		seen[p.Handle] = true
		e.services = append(e.services, service{
			transport: d.transport(place+"service.transport", p.Service.Transport, association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel),
			addr:      d.endpoint(place+"service.address", p.Service.Address),
			secured:   p.Service.TLS, udpPort: p.Service.EncapsulationPort,
		})
		if p.Service.TLS && f.CertificateFile == "" {
			d.fail(place+"service.tls", "needs certificate_file and key_file")
		}
		e.config.Pools = append(e.config.Pools, poolelement.Pool{
			Handle: wire.PoolHandle(p.Handle), ID: wire.PEID(p.ID),
			Life: p.life(d, place+"life"), Policy: p.Policy.read(d, place+"policy."),
		})
	}
}

// life is in whole seconds on the wire.
func (p *pool) life(d *document, place string) int32 {
	if p.Life == "infinite" {
		return wire.LifeInfinite
	}
	life := time.Duration(poolelement.DefaultLife) * time.Second
	d.duration(place, p.Life, &life)
	if life < time.Second || life/time.Second > math.MaxInt32 {
		d.fail(place, "%s is out of range: 1s to %ds, or infinite", p.Life, math.MaxInt32)
		return 0
	}
	return int32(life / time.Second)
}

// policies are those of RFC 5356, as configuration files spell them, the default first.
func policies() (names []string, types map[string]wire.PolicyType) {
	names = []string{
		"round-robin", "weighted-round-robin", "random", "weighted-random", "priority",
		"least-used", "least-used-degradation", "priority-least-used", "randomized-least-used",
	}
	types = map[string]wire.PolicyType{
		"round-robin": wire.RoundRobin, "weighted-round-robin": wire.WeightedRoundRobin,
		"random": wire.Random, "weighted-random": wire.WeightedRandom, "priority": wire.Priority,
		"least-used": wire.LeastUsed, "least-used-degradation": wire.LeastUsedDegradation,
		"priority-least-used": wire.PriorityLeastUsed, "randomized-least-used": wire.RandomizedLeastUsed,
	}
	return names, types
}

func (p *poolPolicy) read(d *document, place string) wire.Policy {
	names, types := policies()
	policy := wire.Policy{
		Type:   types[d.oneOf(place+"name", p.Name, names...)],
		Weight: p.Weight, Priority: p.Priority,
		Load: d.share(place+"load", p.Load), Degradation: d.share(place+"degradation", p.Degradation),
	}
	weighted := policy.Type == wire.WeightedRoundRobin || policy.Type == wire.WeightedRandom
	if weighted && policy.Weight == 0 {
		d.fail(place+"weight", "must be 1 at least for %s", p.Name)
	}
	return policy
}

// share translates 0 to 1 into what RFC 5356 sends for 0 to 100 percent.
func (d *document) share(place string, v float64) uint32 {
	if !(v >= 0 && v <= 1) {
		d.fail(place, "is %v, must be from 0 to 1", v)
		return 0
	}
	return uint32(math.Round(v * math.MaxUint32))
}
