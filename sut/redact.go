// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strings"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// shortestSecret is how many octets make a secret; less could be anything.
const shortestSecret = 8

// redactor takes the secrets that the harness knows out of what a system under test says, so
// that none reaches a report, whoever wrote it into a log.
type redactor struct {
	mu      sync.Mutex
	secrets []*regexp.Regexp
	known   map[string]bool
}

// add has the redactor know keys, in the forms in which programs print them.
func (r *redactor) add(keys ...[]byte) {
	for _, key := range keys {
		if len(key) < shortestSecret {
			continue
		}
		if block, _ := pem.Decode(key); block != nil {
			if strings.Contains(block.Type, "PRIVATE KEY") {
				r.literal(string(key))
				for line := range strings.Lines(string(key)) {
					if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
						r.literal(line)
					}
				}
			}
			continue
		}
		digits := make([]string, 0, len(key))
		for _, b := range key {
			digits = append(digits, hex.EncodeToString([]byte{b}))
		}
		r.pattern(`(?i)(0x)?` + strings.Join(digits, `[ :]?(?:0x)?`))
		r.literal(base64.StdEncoding.EncodeToString(key))
		r.literal(base64.RawURLEncoding.EncodeToString(key))
		r.literal(string(key))
	}
}

// addPSK is add for identities that may be missing.
func (r *redactor) addPSK(keys ...*PSK) {
	for _, k := range keys {
		if k != nil {
			r.add(k.Key)
		}
	}
}

func (r *redactor) literal(s string) { r.pattern(regexp.QuoteMeta(s)) }

func (r *redactor) pattern(p string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = make(map[string]bool)
	}
	if len(p) < shortestSecret || r.known[p] {
		return
	}
	// A key that is no text cannot be searched for as such.
	if compiled, err := regexp.Compile(p); err == nil {
		r.known[p] = true
		r.secrets = append(r.secrets, compiled)
	}
}

// text returns s without secrets.
func (r *redactor) text(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range r.secrets {
		s = secret.ReplaceAllLiteralString(s, redacted)
	}
	return s
}

// lines returns lines without secrets.
func (r *redactor) lines(in []string) []string {
	out := make([]string, len(in))
	for i, line := range in {
		out[i] = r.text(line)
	}
	return out
}
