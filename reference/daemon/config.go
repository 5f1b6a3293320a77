// SPDX-License-Identifier: Apache-2.0

// Package daemon runs the reference registrar from a YAML configuration file.
package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Version is the format of the configuration file that this version reads.
const Version = 1

// ErrConfig is wrapped by every error about a configuration file.
var ErrConfig = errors.New("registrar configuration")

// Config is the configuration file of the daemon.
type Config struct {
	Version           int        `yaml:"version"`
	ServerID          uint32     `yaml:"server_id"` // 0: random (RFC 5353 section 3.2.1)
	Security          string     `yaml:"security"`  // secured (the default) or clear
	EncapsulationPort uint16     `yaml:"encapsulation_port"`
	Doors             []Door     `yaml:"doors"`
	PSKFile           string     `yaml:"psk_file"` // lines of identity:hexkey
	Identities        []Identity `yaml:"identities"`
	CertificateFile   string     `yaml:"certificate_file"` // PEM, with the chain
	KeyFile           string     `yaml:"key_file"`         // PEM
	Timers            Timers     `yaml:"timers"`

	dir string
}

// Timers are those of registrar.Timers, as Go durations ("5s"); empty ones keep the default.
type Timers struct {
	KeepAlive        string `yaml:"keep_alive"`
	KeepAliveTimeout string `yaml:"keep_alive_timeout"`
	KeepAliveSpacing string `yaml:"keep_alive_spacing"`
}

func (t *Timers) registrar() (registrar.Timers, error) {
	out := registrar.DefaultTimers()
	for _, field := range []struct {
		name, value string
		into        *time.Duration
	}{
		{"keep_alive", t.KeepAlive, &out.KeepAlive},
		{"keep_alive_timeout", t.KeepAliveTimeout, &out.KeepAliveTimeout},
		{"keep_alive_spacing", t.KeepAliveSpacing, &out.KeepAliveSpacing},
	} {
		if field.value == "" {
			continue
		}
		d, err := time.ParseDuration(field.value)
		if err != nil || d <= 0 {
			return out, fmt.Errorf("%w: timers.%s: %q is not a positive duration like 5s", ErrConfig, field.name, field.value)
		}
		*field.into = d
	}
	return out, nil
}

// Door is one address to listen at.
type Door struct {
	Protocol  string `yaml:"protocol"`  // asap or enrp
	Transport string `yaml:"transport"` // tcp, sctp, sctp-udp, udp
	TLS       bool   `yaml:"tls"`
	Address   string `yaml:"address"` // host address and port
}

// Identity says what the holder of a pre-shared key may do.
type Identity struct {
	Identity string   `yaml:"identity"`
	Role     string   `yaml:"role"`      // pe, pu or registrar
	Pools    []string `yaml:"pools"`     // for pe: pool handles, or "*"
	ServerID uint32   `yaml:"server_id"` // for registrar: the only one it may use
}

// Load reads and checks a configuration file. An unknown key or a wrong value is refused
// with its place.
func Load(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c := &Config{dir: filepath.Dir(path)}
	if err := yaml.UnmarshalWithOptions(b, c, yaml.Strict()); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%w %s: %s", ErrConfig, path, line)
	}
	if c.Version != Version {
		return nil, fmt.Errorf("%w %s: version: is %d, must be %d", ErrConfig, path, c.Version, Version)
	}
	return c, nil
}

func (c *Config) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// registrar translates the file into the registrar's configuration.
func (c *Config) registrar() (registrar.Config, error) {
	out := registrar.Config{ServerID: wire.ServerID(c.ServerID), EncapsulationPort: c.EncapsulationPort}
	switch c.Security {
	case "", "secured":
	case "clear":
		out.Mode = registrar.Insecure
	default:
		return out, fmt.Errorf("%w: security: is %q, must be secured or clear", ErrConfig, c.Security)
	}
	var err error
	if out.Timers, err = c.Timers.registrar(); err != nil {
		return out, err
	}
	if out.Doors, err = c.doors(); err != nil {
		return out, err
	}
	if c.CertificateFile != "" {
		pair, err := tls.LoadX509KeyPair(c.path(c.CertificateFile), c.path(c.KeyFile))
		if err != nil {
			return out, fmt.Errorf("%w: certificate_file, key_file: %w", ErrConfig, err)
		}
		out.Certificates = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	}
	if out.Mode == registrar.Secured {
		out.Keys, err = c.keys()
	}
	return out, err
}

func (c *Config) doors() ([]registrar.Door, error) {
	doors := make([]registrar.Door, 0, len(c.Doors))
	for n, d := range c.Doors {
		door := registrar.Door{Transport: association.Transport(d.Transport), Secured: d.TLS}
		switch d.Protocol {
		case "asap":
			door.Protocol = wire.ASAP
		case "enrp":
			door.Protocol = wire.ENRP
		default:
			return nil, fmt.Errorf("%w: doors[%d].protocol: is %q, must be asap or enrp", ErrConfig, n, d.Protocol)
		}
		switch door.Transport {
		case association.TCP, association.SCTP, association.SCTPUDP:
		case association.UDP:
			if d.TLS {
				return nil, fmt.Errorf("%w: doors[%d]: there is no TLS over udp", ErrConfig, n)
			}
		default:
			return nil, fmt.Errorf("%w: doors[%d].transport: is %q, must be tcp, sctp, sctp-udp or udp", ErrConfig, n, d.Transport)
		}
		addr, err := netip.ParseAddrPort(d.Address)
		if err != nil {
			return nil, fmt.Errorf("%w: doors[%d].address: %w", ErrConfig, n, err)
		}
		door.Addr = addr
		doors = append(doors, door)
	}
	return doors, nil
}
