// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

type elementFile struct {
	Common              common              `yaml:",inline"`
	Registrars          []elementRegistrar  `yaml:"registrars"`
	Announcements       *announcements      `yaml:"announcements"`
	Local               string              `yaml:"local"`
	EncapsulationPort   uint16              `yaml:"encapsulation_port"`
	Doors               []elementDoor       `yaml:"doors"`
	PSKFile             string              `yaml:"psk_file"`
	Identity            string              `yaml:"identity"`
	RegistrarIdentities []registrarIdentity `yaml:"registrar_identities"`
	CertificateFile     string              `yaml:"certificate_file"`
	KeyFile             string              `yaml:"key_file"`
	Pools               []pool              `yaml:"pools"`
	Timers              elementTimers       `yaml:"timers"`

	PolicyKeyFile string            `yaml:"policy_key_file"`
	Selection     *elementSelection `yaml:"selection"`
}

type elementRegistrar struct {
	Transport         string `yaml:"transport"`
	Address           string `yaml:"address"`
	EncapsulationPort uint16 `yaml:"encapsulation_port"`
	ServerID          uint32 `yaml:"server_id"`
}

type elementDoor struct {
	Transport string `yaml:"transport"`
	TLS       bool   `yaml:"tls"`
	Address   string `yaml:"address"`
}

type registrarIdentity struct {
	Identity string `yaml:"identity"`
	ServerID uint32 `yaml:"server_id"`
}

type elementTimers struct {
	Registration   string `yaml:"registration"`
	Deregistration string `yaml:"deregistration"`
	ServerHunt     string `yaml:"server_hunt"`
	Retry          string `yaml:"retry"`
}

// Element is a pool element with an echo service, as its configuration file describes it.
type Element struct {
	path        string
	config      poolelement.Config
	services    []service // of config.Pools, in the same order
	certificate *tls.Certificate
	logger      func(io.Writer) *slog.Logger
	metrics     string
}

// LoadElement reads and checks a configuration file with all files that it names. Errors
// wrap ErrConfig.
func LoadElement(path string) (*Element, error) {
	var f elementFile
	d := open(path, &f)
	e := &Element{path: path, metrics: f.Common.Metrics.Address, logger: d.logger(f.Common.Log, slog.LevelInfo)}
	e.config = poolelement.Config{
		Registrars: f.registrars(d), Doors: f.doors(d), Local: d.address("local", f.Local),
		EncapsulationPort: f.EncapsulationPort, Timers: f.Timers.read(d),
	}
	dialect := d.dialect(&f.Common)
	e.config.Wire = dialect.wire
	if a := f.Announcements; a != nil {
		e.config.Announcements = &poolelement.Announcements{
			Listen: a.listen(d), Groups: a.groups(d, dialect), Interface: a.Interface, SCTP: a.sctp(d),
		}
	}
	if len(f.Registrars)+len(f.Doors) == 0 && f.Announcements == nil {
		d.fail("registrars", "there must be one, or announcements, or doors")
	}
	if d.security(&f.Common) {
		f.keys(d, &e.config)
		e.certificate = d.certificate(f.CertificateFile, f.KeyFile)
	} else {
		e.config.Mode = poolelement.Insecure
		d.withoutSecrets(f.PSKFile, "")
		e.certificate = d.certificate(f.CertificateFile, f.KeyFile) // the service may have TLS all the same
	}
	f.pools(d, e)
	e.config.PolicySigner, e.config.Selections = d.signer(f.PolicyKeyFile), f.Selection.selections(d)
	if len(f.Doors) == 0 && !e.config.Local.IsValid() {
		e.config.Local = e.serviceAddress()
	}
	if d.err != nil {
		return nil, d.err
	}
	return e, nil
}

// serviceAddress is the first one that a service has: RFC 5352 section 3.1 (R1) wants the
// registration to come from there.
func (c *Element) serviceAddress() netip.Addr {
	for _, s := range c.services {
		if a := s.addr.Addr(); a.IsValid() && !a.IsUnspecified() {
			return a
		}
	}
	return netip.Addr{}
}

func (f *elementFile) registrars(d *document) []poolelement.Registrar {
	out := make([]poolelement.Registrar, 0, len(f.Registrars))
	for n, r := range f.Registrars {
		place := fmt.Sprintf("registrars[%d].", n)
		out = append(out, poolelement.Registrar{
			Transport: d.transport(place+"transport", r.Transport, association.SCTP, association.SCTPUDP, association.SCTPKernel, association.TCP),
			Addr:      d.endpoint(place+"address", r.Address), UDPPort: r.EncapsulationPort, Server: wire.ServerID(r.ServerID),
		})
	}
	return out
}

func (f *elementFile) doors(d *document) []poolelement.Door {
	out := make([]poolelement.Door, 0, len(f.Doors))
	for n, x := range f.Doors {
		place := fmt.Sprintf("doors[%d].", n)
		if x.TLS && f.Common.Security == "clear" {
			d.fail(place+"tls", "an element in clear has no TLS doors")
		}
		out = append(out, poolelement.Door{
			Transport: d.transport(place+"transport", x.Transport, association.SCTP, association.SCTPUDP, association.SCTPKernel, association.TCP),
			Addr:      d.endpoint(place+"address", x.Address), Secured: x.TLS,
		})
	}
	return out
}

// keys fills in the keys of a secured element.
func (f *elementFile) keys(d *document, c *poolelement.Config) {
	if f.PSKFile == "" {
		d.fail("psk_file", "is missing: a secured element needs one")
	}
	s := d.secrets("psk_file", f.PSKFile)
	c.Identity, c.Key = f.Identity, d.key("identity", f.Identity, s)
	for n, i := range f.RegistrarIdentities {
		key := d.key(fmt.Sprintf("registrar_identities[%d].identity", n), i.Identity, s)
		c.RegistrarKeys = append(c.RegistrarKeys, poolelement.RegistrarKey{Name: i.Identity, Key: key, Server: wire.ServerID(i.ServerID)})
	}
}

func (t *elementTimers) read(d *document) poolelement.Timers {
	out := poolelement.DefaultTimers()
	out.Retry = registrationRetry
	d.duration("timers.registration", t.Registration, &out.Registration)
	d.duration("timers.deregistration", t.Deregistration, &out.Deregistration)
	d.duration("timers.server_hunt", t.ServerHunt, &out.ServerHunt)
	d.duration("timers.retry", t.Retry, &out.Retry)
	return out
}

// registrationRetry is when a registration that was given up is tried again: nobody is
// there to ask for it, and a minute is no load for a registrar.
const registrationRetry = time.Minute

// errNoPools: an element without pools has nothing to do.
var errNoPools = errors.New("there must be one at least")
