// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"crypto/tls"
	"fmt"
	"sync"
)

// shared is what the connections of one Config have in common, built by the
// first of them. An SSL_CTX costs more than a handshake.
type shared struct {
	mu      sync.Mutex
	owner   *Config // finds a Config that was copied after use
	log     *keyLog
	engines [2]*engine
	certs   [2]*tls.Config
}

// role indexes the arrays above.
type role int

const (
	clientRole role = iota
	serverRole
)

// use locks the shared state and runs f if c is sound.
func (c *Config) use(f func(*shared) error) error {
	if c == nil {
		return fmt.Errorf("tlspsk: %w: no configuration", ErrConfig)
	}
	s := &c.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		if err := c.check(); err != nil {
			return err
		}
		s.owner = c
		if c.KeyLog != nil {
			s.log = &keyLog{w: c.KeyLog}
		}
	}
	if s.owner != c {
		return fmt.Errorf("tlspsk: %w", ErrConfigCopied)
	}
	return f(s)
}

// pskEngine returns the engine of a role.
func (c *Config) pskEngine(r role) (e *engine, err error) {
	err = c.use(func(s *shared) error {
		if s.engines[r] == nil {
			if s.engines[r], err = newEngine(c, r == serverRole); err != nil {
				s.engines[r] = nil
				return err
			}
		}
		e = s.engines[r]
		return nil
	})
	return e, err
}

// certEngine returns the hardened configuration for crypto/tls.
func (c *Config) certEngine(r role) (t *tls.Config, err error) {
	err = c.use(func(s *shared) error {
		if s.certs[r] == nil {
			if s.certs[r], err = hardened(c, r); err != nil {
				return err
			}
		}
		t = s.certs[r]
		return nil
	})
	return t, err
}

// callbacks returns what a new connection shows to OpenSSL.
func (c *Config) callbacks() *callbacks {
	return &callbacks{
		identity: c.PSKIdentity, key: c.PSKKey,
		lookup: c.Lookup, hide: c.HideUnknownIdentity, log: c.shared.log,
	}
}
