// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
)

// defaultLinger is how long after the end of its input a pool user waits for answers, from
// the last one on: an echo takes one round trip.
const defaultLinger = time.Second

type userFile struct {
	Common        common          `yaml:",inline"`
	Pool          string          `yaml:"pool"`
	Registrars    []userRegistrar `yaml:"registrars"`
	Announcements *announcements  `yaml:"announcements"`
	Local         string          `yaml:"local"`
	CAFile        string          `yaml:"ca_file"`
	PSKFile       string          `yaml:"psk_file"`
	Identity      string          `yaml:"identity"`
	Elements      userElements    `yaml:"elements"`
	Timers        userTimers      `yaml:"timers"`

	SignedPolicies *signedPolicies `yaml:"signed_policies"`
	ProveSelection bool            `yaml:"prove_selection"`
}

type userRegistrar struct {
	Transport         string `yaml:"transport"`
	Address           string `yaml:"address"`
	Name              string `yaml:"name"`
	EncapsulationPort uint16 `yaml:"encapsulation_port"`
}

type userElements struct {
	Security          string `yaml:"security"`
	CAFile            string `yaml:"ca_file"`
	Name              string `yaml:"name"`
	SCTP              string `yaml:"sctp"`
	EncapsulationPort uint16 `yaml:"encapsulation_port"`
}

type userTimers struct {
	Request  string `yaml:"request"`
	Connect  string `yaml:"connect"`
	Liveness string `yaml:"liveness"`
	Failover string `yaml:"failover"`
	Linger   string `yaml:"linger"`
}

// User is a pool user with one session, as its configuration file describes it.
type User struct {
	config  pooluser.Config
	pool    string
	linger  time.Duration
	logger  func(io.Writer) *slog.Logger
	metrics string
}

// LoadUser reads and checks a configuration file with all files that it names. Errors wrap
// ErrConfig.
func LoadUser(path string) (*User, error) {
	var f userFile
	d := open(path, &f)
	u := &User{pool: f.Pool, linger: defaultLinger, metrics: f.Common.Metrics.Address, logger: d.logger(f.Common.Log, slog.LevelWarn)}
	d.required("pool", f.Pool)
	u.config = pooluser.Config{Servers: f.servers(d), Dial: pooluser.DialFrom(d.address("local", f.Local))}
	dialect := d.dialect(&f.Common)
	u.config.Wire = dialect.wire
	if a := f.Announcements; a != nil {
		u.config.Announce = &pooluser.Announce{
			Local: a.listen(d), Groups: a.groups(d, dialect), Interface: a.Interface, Name: a.Name, SCTP: a.sctp(d),
		}
	}
	if len(f.Registrars) == 0 && f.Announcements == nil {
		d.fail("registrars", "there must be one, or announcements")
	}
	if d.security(&f.Common) {
		u.config.Credentials = f.credentials(d)
	} else {
		u.config.Mode = pooluser.Clear
	}
	u.config.Elements = f.elements(d)
	u.config.SignedPolicies, u.config.ProveSelection = f.SignedPolicies.check(d, f.Pool), f.ProveSelection
	d.duration("timers.request", f.Timers.Request, &u.config.Timers.Request)
	d.duration("timers.connect", f.Timers.Connect, &u.config.Timers.Connect)
	d.duration("timers.liveness", f.Timers.Liveness, &u.config.Timers.Liveness)
	d.duration("timers.failover", f.Timers.Failover, &u.config.Timers.Failover)
	d.duration("timers.linger", f.Timers.Linger, &u.linger)
	if d.err != nil {
		return nil, d.err
	}
	return u, nil
}

func (f *userFile) servers(d *document) []pooluser.Server {
	out := make([]pooluser.Server, 0, len(f.Registrars))
	for n, r := range f.Registrars {
		place := fmt.Sprintf("registrars[%d].", n)
		out = append(out, pooluser.Server{
			Transport: d.transport(place+"transport", r.Transport, association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel),
			Addr:      d.endpoint(place+"address", r.Address), Name: r.Name, UDPPort: r.EncapsulationPort,
		})
	}
	return out
}

// credentials are a certificate authority, or a pre-shared key.
func (f *userFile) credentials(d *document) pooluser.Credentials {
	switch {
	case f.PSKFile != "" && f.CAFile != "":
		d.fail("psk_file", "there is a ca_file as well: registrars have one of them")
	case f.PSKFile != "":
		return pooluser.Credentials{PSKIdentity: f.Identity, PSKKey: d.key("identity", f.Identity, d.secrets("psk_file", f.PSKFile))}
	case f.CAFile == "":
		d.fail("ca_file", "is missing: a secured pool user needs it, or psk_file and identity")
	}
	return pooluser.Credentials{RootCAs: d.authorities("ca_file", f.CAFile)}
}

func (f *userFile) elements(d *document) pooluser.Elements {
	x := f.Elements
	e := pooluser.Elements{
		Name: x.Name, UDPPort: x.EncapsulationPort,
		SCTP: association.Transport(d.oneOf("elements.sctp", x.SCTP, string(association.SCTPUDP), string(association.SCTP), string(association.SCTPKernel))),
	}
	switch d.oneOf("elements.security", x.Security, "secured", "preferred", "clear") {
	case "preferred":
		e.Security = pooluser.ElementsPreferred
	case "clear":
		e.Security = pooluser.ElementsClear
		return e
	}
	file, place := x.CAFile, "elements.ca_file"
	if file == "" {
		file, place = f.CAFile, "ca_file"
	}
	if file == "" {
		d.fail("elements.ca_file", "is missing: elements are authenticated by certificates")
	}
	e.Credentials.RootCAs = d.authorities(place, file)
	return e
}
