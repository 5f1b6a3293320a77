// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

type registrarFile struct {
	Common            common          `yaml:",inline"`
	ServerID          uint32          `yaml:"server_id"`
	EncapsulationPort uint16          `yaml:"encapsulation_port"`
	Doors             []door          `yaml:"doors"`
	PSKFile           string          `yaml:"psk_file"`
	Identities        []identity      `yaml:"identities"`
	CertificateFile   string          `yaml:"certificate_file"`
	KeyFile           string          `yaml:"key_file"`
	Identity          string          `yaml:"identity"`
	ElementIdentity   string          `yaml:"element_identity"`
	Peers             []peer          `yaml:"peers"`
	Arbitration       string          `yaml:"arbitration"`
	Announcements     *announcing     `yaml:"announcements"`
	Timers            registrarTimers `yaml:"timers"`

	Selection *registrarSelection `yaml:"selection"`
}

type door struct {
	Protocol  string `yaml:"protocol"`
	Transport string `yaml:"transport"`
	TLS       bool   `yaml:"tls"`
	Address   string `yaml:"address"`
}

type identity struct {
	Identity string   `yaml:"identity"`
	Role     string   `yaml:"role"`
	Pools    []string `yaml:"pools"`
	ServerID uint32   `yaml:"server_id"`
}

type registrarTimers struct {
	KeepAlive        string `yaml:"keep_alive"`
	KeepAliveTimeout string `yaml:"keep_alive_timeout"`
	KeepAliveSpacing string `yaml:"keep_alive_spacing"`
	PeerHeartbeat    string `yaml:"peer_heartbeat"`
	LastHeard        string `yaml:"max_time_last_heard"`
	NoResponse       string `yaml:"max_time_no_response"`
	PeerRedial       string `yaml:"peer_redial"`
}

// Registrar is a registrar as its configuration file describes it.
type Registrar struct {
	path        string
	config      registrar.Config
	identities  []registrar.Identity
	certificate *tls.Certificate
	logger      func(io.Writer) *slog.Logger
	metrics     string
}

// LoadRegistrar reads and checks a configuration file with all files that it names. Errors
// wrap ErrConfig.
func LoadRegistrar(path string) (*Registrar, error) {
	var f registrarFile
	d := open(path, &f)
	r := &Registrar{path: path, metrics: f.Common.Metrics.Address, logger: d.logger(f.Common.Log, slog.LevelInfo)}
	r.config = registrar.Config{
		ServerID: wire.ServerID(f.ServerID), EncapsulationPort: f.EncapsulationPort,
		Doors: f.doors(d), Timers: f.Timers.read(d),
	}
	dialect := d.dialect(&f.Common)
	r.config.Wire, r.config.DialFromDoor = dialect.wire, dialect.rsplib
	if d.security(&f.Common) {
		if f.PSKFile == "" {
			d.fail("psk_file", "is missing: a secured registrar needs one")
		}
		keys := d.secrets("psk_file", f.PSKFile)
		r.identities = f.identities(d, keys)
		f.credentials(d, keys, &r.config)
		r.certificate = d.certificate(f.CertificateFile, f.KeyFile)
	} else {
		r.config.Mode = registrar.Insecure
		d.withoutSecrets(f.PSKFile, f.CertificateFile)
	}
	f.group(d, dialect, &r.config)
	r.config.Selection = f.Selection.selection(d)
	if d.err != nil {
		return nil, d.err
	}
	return r, nil
}

// withoutSecrets refuses what only looks as if it secured something.
func (d *document) withoutSecrets(psk, certificate string) {
	for place, value := range map[string]string{"psk_file": psk, "certificate_file": certificate} {
		if value != "" {
			d.fail(place, "has no effect with security: clear")
		}
	}
}

func (f *registrarFile) doors(d *document) []registrar.Door {
	if len(f.Doors) == 0 {
		d.fail("doors", "there must be one at least")
	}
	doors := make([]registrar.Door, 0, len(f.Doors))
	for n, x := range f.Doors {
		place := fmt.Sprintf("doors[%d].", n)
		protocol := wire.ASAP
		d.required(place+"protocol", x.Protocol)
		if d.oneOf(place+"protocol", x.Protocol, "asap", "enrp") == "enrp" {
			protocol = wire.ENRP
		}
		if x.TLS && f.Common.Security == "clear" {
			d.fail(place+"tls", "a registrar in clear has no TLS doors")
		}
		doors = append(doors, registrar.Door{
			Protocol: protocol, Secured: x.TLS, Addr: d.endpoint(place+"address", x.Address),
			Transport: d.transport(place+"transport", x.Transport, association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel, association.UDP),
		})
	}
	return doors
}

func (f *registrarFile) identities(d *document, keys secrets) []registrar.Identity {
	identities := make([]registrar.Identity, 0, len(f.Identities))
	for n, i := range f.Identities {
		place := fmt.Sprintf("identities[%d].", n)
		role, err := registrar.ParseRole(i.Role)
		if err != nil {
			d.fail(place+"role", "%w", err)
		}
		identities = append(identities, registrar.Identity{
			Name: i.Identity, Key: d.key(place+"identity", i.Identity, keys),
			Grant: registrar.Grant{Role: role, Pools: i.Pools, Server: wire.ServerID(i.ServerID)},
		})
	}
	if d.err == nil {
		if _, err := registrar.NewKeys(identities...); err != nil {
			d.fail("identities", "%w", err)
		}
	}
	return identities
}

func (t *registrarTimers) read(d *document) registrar.Timers {
	out := registrar.DefaultTimers()
	d.duration("timers.keep_alive", t.KeepAlive, &out.KeepAlive)
	d.duration("timers.keep_alive_timeout", t.KeepAliveTimeout, &out.KeepAliveTimeout)
	d.duration("timers.keep_alive_spacing", t.KeepAliveSpacing, &out.KeepAliveSpacing)
	d.duration("timers.peer_heartbeat", t.PeerHeartbeat, &out.PeerHeartbeat)
	d.duration("timers.max_time_last_heard", t.LastHeard, &out.MaxTimeLastHeard)
	d.duration("timers.max_time_no_response", t.NoResponse, &out.MaxTimeNoResponse)
	d.duration("timers.peer_redial", t.PeerRedial, &out.PeerRedial)
	return out
}
