// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// CommandConfig are the commands of rung 1, each with its arguments; no shell is involved,
// and they run in the directory of the file. "rspthreat" as the first word is this program.
// Each runs in a process group of its own, which ends with the system under test.
type CommandConfig struct {
	Start []string `yaml:"start,omitempty"` // once, before the first check
	// Ready says when the system can be used after start, restart or reset. With it, start
	// need not end: it may be the system itself, whose output is then the log.
	Ready *ReadyConfig `yaml:"ready,omitempty"`
	Reset []string     `yaml:"reset,omitempty"` // before each check: afterwards the handlespace is empty
	// Fresh has the system stopped and started for each check, instead of reset.
	Fresh bool     `yaml:"fresh,omitempty"`
	Stop  []string `yaml:"stop,omitempty"` // once, at the end, if start was run
	Log   []string `yaml:"log,omitempty"`  // prints what the system has logged since the last reset
	// Restart ends the system and starts it again; without it, stop and start do.
	Restart []string `yaml:"restart,omitempty"`
	// Revoke withdraws the key of an identity, and Restore gives it back; the identity is
	// added as the last argument. Reload, if there is one, is run after either and has the
	// system read its keys again.
	Revoke  []string `yaml:"revoke,omitempty"`
	Restore []string `yaml:"restore,omitempty"`
	Reload  []string `yaml:"reload,omitempty"`
}

// ReadyConfig says how it shows that a system can be used: by all that is given.
type ReadyConfig struct {
	Door    bool     `yaml:"door,omitempty"`    // its doors take associations
	Log     string   `yaml:"log,omitempty"`     // a line of its log matches this regular expression
	Command []string `yaml:"command,omitempty"` // this ends with exit status 0; it is run again until it does
	Timeout string   `yaml:"timeout,omitempty"` // a Go duration; default 30s
}

// readyTimeout is how long a system may take to be ready when the configuration does not say.
const readyTimeout = 30 * time.Second

// check says what is wrong with the commands at a place of the file.
func (c *CommandConfig) check(place string) error {
	if (len(c.Revoke) > 0) != (len(c.Restore) > 0) {
		return fmt.Errorf("%s: revoke and restore need each other", place)
	}
	if c.Fresh && len(c.Start) == 0 {
		return fmt.Errorf("%s.fresh: needs start", place)
	}
	if c.Ready == nil {
		return nil
	}
	_, _, err := c.Ready.parse()
	if err == nil && !c.Ready.Door && c.Ready.Log == "" && len(c.Ready.Command) == 0 {
		err = errors.New("one of door, log and command is needed")
	}
	if err != nil {
		return fmt.Errorf("%s.ready: %w", place, err)
	}
	return nil
}

// parse returns the time-out and the expression; nil without one.
func (r *ReadyConfig) parse() (time.Duration, *regexp.Regexp, error) {
	timeout, err := duration("timeout", r.Timeout, readyTimeout)
	if err != nil || r.Log == "" {
		return timeout, nil, err
	}
	line, err := regexp.Compile(r.Log)
	if err != nil {
		return 0, nil, fmt.Errorf("log: %w", err)
	}
	return timeout, line, nil
}

// duration reads a field, which may be left out.
func duration(name, value string, otherwise time.Duration) (time.Duration, error) {
	if value == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: %q is not a positive duration like 2s", name, value)
	}
	return d, nil
}
