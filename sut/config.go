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

// Config is the configuration file of a system under test, one YAML file for each.
type Config struct {
	Version int    `yaml:"version"`
	Name    string `yaml:"name"`
	Claim   Claim  `yaml:"claim"`
	// Security is "secured" (TLS, the default) or "clear".
	Security Security `yaml:"security"`
	// Dialect is "rfc" (the default) or "rsplib", which the harness then speaks.
	Dialect string `yaml:"dialect"`
	// Address of the system under test; a door may have another one.
	Address string `yaml:"address"`
	// LocalAddresses of the harness; empty lets the system choose. With two or more, its
	// nodes use them in turn.
	LocalAddresses []string `yaml:"local_addresses"`
	// EncapsulationPort is the UDP port of SCTP over UDP at the system under test.
	EncapsulationPort uint16           `yaml:"encapsulation_port"`
	Doors             []DoorConfig     `yaml:"doors"`
	Pool              string           `yaml:"pool"`
	OtherPool         string           `yaml:"other_pool"`
	Credentials       CredentialConfig `yaml:"credentials"`
	Timers            TimerConfig      `yaml:"timers"`
	Commands          CommandConfig    `yaml:"commands"`
	LogFile           string           `yaml:"log_file"`

	dir string // of the file; relative paths start there
}

// Claim says whose product this is; it goes into the report.
type Claim struct {
	Organisation string `yaml:"organisation"`
	Product      string `yaml:"product"`
	Version      string `yaml:"version"`
	Contact      string `yaml:"contact"`
}

// DoorConfig is one door.
type DoorConfig struct {
	Protocol  string `yaml:"protocol"`  // asap or enrp
	Transport string `yaml:"transport"` // tcp, sctp, sctp-udp, sctp-kernel, udp
	TLS       bool   `yaml:"tls"`
	Port      uint16 `yaml:"port"`
	Address   string `yaml:"address"` // default: Config.Address
}

// CredentialConfig names identities in the PSK file, and the authority that signed the
// registrar's certificate.
type CredentialConfig struct {
	PSKFile           string `yaml:"psk_file"`
	Element           string `yaml:"element"`
	OtherElement      string `yaml:"other_element"`
	RestrictedElement string `yaml:"restricted_element"`
	Peer              string `yaml:"peer"`
	CAFile            string `yaml:"ca_file"`
	ServerName        string `yaml:"server_name"`
}

// TimerConfig says how long the system under test takes, as Go durations ("2s").
type TimerConfig struct {
	Response string `yaml:"response"`
	Removal  string `yaml:"removal"`
}

// CommandConfig are the commands of rung 1, each with its arguments; no shell is involved,
// and they run in the directory of the file. "rspthreat" as the first word is this program.
type CommandConfig struct {
	Start []string `yaml:"start"` // once, before the first check
	Reset []string `yaml:"reset"` // before each check: afterwards the handlespace is empty
	Stop  []string `yaml:"stop"`  // once, at the end, if start was run
	Log   []string `yaml:"log"`   // prints what the system has logged since the last reset
	// Restart ends the system and starts it again; without it, stop and start do.
	Restart []string `yaml:"restart"`
	// Revoke withdraws the key of an identity, and Restore gives it back; the identity is
	// added as the last argument. Reload, if there is one, is run after either and has the
	// system read its keys again.
	Revoke  []string `yaml:"revoke"`
	Restore []string `yaml:"restore"`
	Reload  []string `yaml:"reload"`
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
	if len(c.Doors) == 0 {
		return errors.New("doors: at least one is needed")
	}
	for _, a := range c.LocalAddresses {
		if _, err := netip.ParseAddr(a); err != nil {
			return fmt.Errorf("local_addresses: %w", err)
		}
	}
	if (len(c.Commands.Revoke) > 0) != (len(c.Commands.Restore) > 0) {
		return errors.New("commands: revoke and restore need each other")
	}
	if _, err := c.timers(); err != nil {
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
	}{{"response", c.Timers.Response, &t.Response}, {"removal", c.Timers.Removal, &t.Removal}} {
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

// Redacted returns the configuration as YAML for a report. It holds names of files and
// identities, never a key.
func (c *Config) Redacted() string {
	b, err := yaml.Marshal(c)
	if err != nil {
		return "" // a configuration that was read can be written; a report is not worth an error
	}
	return string(b)
}
