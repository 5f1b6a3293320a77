// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"
)

// secretWord is an argument that gives a secret away, and its value: --password=x, TOKEN=x.
var secretWord = regexp.MustCompile(`(?i)^(-{0,2}[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|psk|key)=)(.+)$`)

// secretOption is an argument whose next one is a secret.
var secretOption = regexp.MustCompile(`(?i)^--?[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|psk|key)$`)

// secretURL is the password of a URL.
var secretURL = regexp.MustCompile(`(://[^/@\s:]*:)[^/@\s]+@`)

// Redacted returns the configuration as YAML for a report. It holds names of files and
// identities, never a key, nor what looks like a secret among the arguments of a command.
func (c *Config) Redacted() string {
	out := *c
	out.Commands = redactedCommands(c.Commands)
	if c.Adapter != nil {
		a := *c.Adapter
		a.Command = redactedArguments(a.Command)
		out.Adapter = &a
	}
	for _, n := range []**NodeConfig{&out.Element, &out.User} {
		if *n != nil {
			node := **n
			node.Commands = redactedCommands(node.Commands)
			*n = &node
		}
	}
	b, err := yaml.Marshal(&out)
	if err != nil {
		return "" // a configuration that was read can be written; a report is not worth an error
	}
	return string(b)
}

func redactedCommands(c CommandConfig) CommandConfig {
	if c.Ready != nil {
		ready := *c.Ready
		ready.Command = redactedArguments(ready.Command)
		c.Ready = &ready
	}
	for _, argv := range []*[]string{&c.Start, &c.Reset, &c.Stop, &c.Log, &c.Restart, &c.Revoke, &c.Restore, &c.Reload} {
		*argv = redactedArguments(*argv)
	}
	return c
}

func redactedArguments(argv []string) []string {
	out := slices.Clone(argv)
	for i, word := range out {
		if i > 0 && secretOption.MatchString(argv[i-1]) {
			out[i] = redacted
			continue
		}
		word = secretWord.ReplaceAllString(word, "${1}"+redacted)
		out[i] = secretURL.ReplaceAllString(word, "${1}"+redacted+"@")
	}
	return out
}
