// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// ConfigVersion is the format of the configuration file that this version reads.
const ConfigVersion = 1

// Config is the configuration file of a system under test, one YAML file for each. Its JSON
// schema is schema/sut.schema.json.
type Config struct {
	Version int    `yaml:"version"`
	Name    string `yaml:"name"`
	Claim   Claim  `yaml:"claim,omitempty"`
	// Roles are what there is to judge: registrar (the default), pe, pu.
	Roles []Role `yaml:"roles,omitempty"`
	// Security is "secured" (TLS, the default) or "clear".
	Security Security `yaml:"security,omitempty"`
	// Dialect is "rfc" (the default) or "rsplib", which the harness then speaks.
	Dialect string `yaml:"dialect,omitempty"`
	// Address of the system under test; a door may have another one.
	Address string `yaml:"address,omitempty"`
	// LocalAddresses of the harness; empty lets the system choose. With two or more, its
	// nodes use them in turn.
	LocalAddresses []string `yaml:"local_addresses,omitempty"`
	// EncapsulationPort is the UDP port of SCTP over UDP at the system under test.
	EncapsulationPort uint16           `yaml:"encapsulation_port,omitempty"`
	Doors             []DoorConfig     `yaml:"doors,omitempty"`
	Pool              string           `yaml:"pool,omitempty"`
	OtherPool         string           `yaml:"other_pool,omitempty"`
	Credentials       CredentialConfig `yaml:"credentials,omitempty"`
	Timers            TimerConfig      `yaml:"timers,omitempty"`
	Limits            Limits           `yaml:"limits,omitempty"`
	// Peers are the places at the harness where the system looks for its peers, so that the
	// harness can play them.
	Peers    []PlaceConfig `yaml:"peers,omitempty"`
	Commands CommandConfig `yaml:"commands,omitempty"`
	LogFile  string        `yaml:"log_file,omitempty"`
	// Adapter starts and drives pool elements and pool users, and may speak for a registrar (rung 2).
	Adapter *AdapterConfig `yaml:"adapter,omitempty"`
	// Element and User say how a pool element and a pool user are found that no adapter drives,
	// and where either looks for registrars.
	Element *NodeConfig `yaml:"element,omitempty"`
	User    *NodeConfig `yaml:"user,omitempty"`
	// Unsupported is what the system does not do by its own word.
	Unsupported []UnsupportedConfig `yaml:"unsupported,omitempty"`

	dir string // of the file; relative paths start there
}

// Claim says whose product this is; it goes into the report.
type Claim struct {
	Organisation string `yaml:"organisation,omitempty"`
	Product      string `yaml:"product,omitempty"`
	Version      string `yaml:"version,omitempty"`
	Contact      string `yaml:"contact,omitempty"`
}

// DoorConfig is one door.
type DoorConfig struct {
	Protocol  string `yaml:"protocol"`  // asap or enrp
	Transport string `yaml:"transport"` // tcp, sctp, sctp-udp, sctp-kernel, udp
	TLS       bool   `yaml:"tls,omitempty"`
	Port      uint16 `yaml:"port"`
	Address   string `yaml:"address,omitempty"` // default: Config.Address
}

// CredentialConfig names identities in the PSK file, and the authority that signed the
// registrar's certificate.
type CredentialConfig struct {
	PSKFile           string `yaml:"psk_file,omitempty"`
	Element           string `yaml:"element,omitempty"`
	OtherElement      string `yaml:"other_element,omitempty"`
	RestrictedElement string `yaml:"restricted_element,omitempty"`
	Peer              string `yaml:"peer,omitempty"`
	Registrar         string `yaml:"registrar,omitempty"` // the system's own, towards the peers that it calls
	CAFile            string `yaml:"ca_file,omitempty"`
	ServerName        string `yaml:"server_name,omitempty"`
	// AuthorityFile and AuthorityKeyFile are a test authority that an element or user under
	// test trusts: the harness signs with it what the registrars and elements show that it plays.
	AuthorityFile    string `yaml:"authority_file,omitempty"`
	AuthorityKeyFile string `yaml:"authority_key_file,omitempty"`
}

// TimerConfig says how long the system under test takes, as Go durations ("2s").
type TimerConfig struct {
	Response string `yaml:"response,omitempty"`
	Removal  string `yaml:"removal,omitempty"`
	// KeepAlive is the mean time between keep-alives to an idle element.
	KeepAlive string `yaml:"keep_alive,omitempty"`
}

// UnsupportedConfig is one thing that the system does not do: a requirement, a section or a
// feature, and a sentence about it for the report.
type UnsupportedConfig struct {
	Requirement string `yaml:"requirement,omitempty"` // T2.9-R1
	Section     string `yaml:"section,omitempty"`     // "2.17"
	Feature     string `yaml:"feature,omitempty"`     // one of Features
	Role        Role   `yaml:"role,omitempty"`        // only on this one
	Reason      string `yaml:"reason"`
}

// ErrConfig is wrapped by every error about a configuration file.
var ErrConfig = errors.New("configuration")

// LoadConfig reads and checks a configuration file. An unknown key or a wrong value is
// refused with its line.
func LoadConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	c, err := ParseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("%w (file %s)", err, path)
	}
	c.dir = filepath.Dir(path)
	return c, nil
}

// ParseConfig reads and checks the text of a configuration file.
func ParseConfig(b []byte) (*Config, error) {
	var c Config
	if err := unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrConfig, oneLine(err))
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return &c, nil
}

// unmarshal refuses unknown keys. The YAML library panics on some malformed input, such as a
// tag without a value where a sequence belongs.
func unmarshal(b []byte, c *Config) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed YAML: %v", p)
		}
	}()
	return yaml.UnmarshalWithOptions(b, c, yaml.Strict())
}

// oneLine keeps the first line of a YAML error, which has the position and the reason; the
// lines after it quote the file, which may hold what should not be quoted.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (c *Config) complete() error {
	if c.Version != ConfigVersion {
		return fmt.Errorf("version: is %d, must be %d", c.Version, ConfigVersion)
	}
	if c.Name == "" {
		return errors.New("name: is missing")
	}
	if c.Security == "" {
		c.Security = Secured
	}
	if c.Security != Secured && c.Security != Clear {
		return fmt.Errorf("security: is %q, must be %q or %q", c.Security, Secured, Clear)
	}
	if c.Dialect == "" {
		c.Dialect = "rfc"
	}
	if c.Dialect != "rfc" && c.Dialect != "rsplib" {
		return fmt.Errorf("dialect: is %q, must be rfc or rsplib", c.Dialect)
	}
	if c.Pool == "" {
		c.Pool = "EchoPool"
	}
	if err := c.completeRoles(); err != nil {
		return err
	}
	for _, a := range c.LocalAddresses {
		if _, err := netip.ParseAddr(a); err != nil {
			return fmt.Errorf("local_addresses: %w", err)
		}
	}
	if err := c.Commands.check("commands"); err != nil {
		return err
	}
	if err := c.checkUnsupported(); err != nil {
		return err
	}
	if _, err := c.timers(); err != nil {
		return err
	}
	if _, err := c.peers(); err != nil {
		return err
	}
	_, err := c.doors()
	return err
}

func (c *Config) wire() wire.Options {
	if c.Dialect == "rsplib" {
		return wire.Rsplib()
	}
	return wire.Lenient() // a vendor's registrar is judged on its security, not on its padding
}

// What a check waits for when the configuration does not say. An answer that takes longer
// than two seconds fails a client that follows RFC 5352 long before its T1 (15 s) does;
// rsplib removes a silent element after about 10 s.
const (
	defaultResponse = 2 * time.Second
	defaultRemoval  = 15 * time.Second
)

func (c *Config) timers() (Timers, error) {
	t := Timers{Response: defaultResponse, Removal: defaultRemoval}
	for _, field := range []struct {
		name, value string
		into        *time.Duration
	}{{"response", c.Timers.Response, &t.Response}, {"removal", c.Timers.Removal, &t.Removal}, {"keep_alive", c.Timers.KeepAlive, &t.KeepAlive}} {
		if field.value == "" {
			continue
		}
		d, err := time.ParseDuration(field.value)
		if err != nil || d <= 0 {
			return t, fmt.Errorf("timers.%s: %q is not a positive duration like 2s", field.name, field.value)
		}
		*field.into = d
	}
	return t, nil
}
