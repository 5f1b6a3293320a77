// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"bytes"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// checkKeys finds keys that are missing, or that would let one node pose as another.
func (c *Config) checkKeys() error {
	if c.Mode == Insecure {
		return nil
	}
	if c.Identity == "" || len(c.Key) == 0 {
		return ErrNoKey
	}
	owner := map[string]string{string(c.Key): c.Identity}
	names := map[string]bool{c.Identity: true}
	for _, k := range c.RegistrarKeys {
		switch other, twice := owner[string(k.Key)]; {
		case k.Name == "" || len(k.Key) == 0:
			return fmt.Errorf("%w %q: name or key is empty", ErrRegistrarKeys, k.Name)
		case names[k.Name]:
			return fmt.Errorf("%w %q: the name is there twice", ErrRegistrarKeys, k.Name)
		case twice:
			return fmt.Errorf("%w: those of %q and %q", ErrSharedKey, other, k.Name)
		}
		owner[string(k.Key)], names[k.Name] = k.Name, true
	}
	return nil
}

// registrarKey returns the entry of a registrar's own identity.
func (c *Config) registrarKey(name string) (RegistrarKey, bool) {
	for _, k := range c.RegistrarKeys {
		if k.Name == name {
			return k, true
		}
	}
	return RegistrarKey{}, false
}

// ReplaceKeys swaps the identity, its key and the keys of registrars at once, for the
// associations that are set up from now on; those that stand go on. On error nothing
// changes. The errors are those of Start.
func (e *Element) ReplaceKeys(identity string, key []byte, registrars []RegistrarKey) error {
	next := Config{Mode: e.cfg.Mode, Identity: identity, Key: bytes.Clone(key)}
	for _, k := range registrars {
		k.Key = bytes.Clone(k.Key)
		next.RegistrarKeys = append(next.RegistrarKeys, k)
	}
	if err := next.checkKeys(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cfg.Identity, e.cfg.Key, e.cfg.RegistrarKeys = next.Identity, next.Key, next.RegistrarKeys
	e.prepareTLS()
	return nil
}

// prepareTLS makes the TLS configurations of our calls. The caller holds e.mu.
func (e *Element) prepareTLS() {
	for i, messages := range []bool{false, true} {
		e.tls[i] = e.tlsConfig(messages)
		e.tls[i].PSKIdentity, e.tls[i].PSKKey = e.cfg.Identity, e.cfg.Key
	}
}

// clientTLS returns the TLS configuration of our calls, one for byte streams and one for
// transports that preserve messages.
func (e *Element) clientTLS(messages bool) *tlspsk.Config {
	e.mu.Lock()
	defer e.mu.Unlock()
	if messages {
		return e.tls[1]
	}
	return e.tls[0]
}

// lookup returns a registrar's key to a door, nil when the identity is unknown.
func (e *Element) lookup(identity string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, _ := e.cfg.registrarKey(identity)
	return bytes.Clone(k.Key)
}

func (e *Element) tlsConfig(messages bool) *tlspsk.Config {
	t := e.cfg.TLS
	return &tlspsk.Config{
		MinVersion: t.MinVersion, MaxVersion: t.MaxVersion, CipherSuites: t.CipherSuites,
		KeyLog: t.KeyLog, Messages: messages,
	}
}
