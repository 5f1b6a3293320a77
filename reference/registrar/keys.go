// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
)

// Identity is one entry of a Keys.
type Identity struct {
	Name  string
	Key   []byte
	Grant Grant
}

// ErrIdentity is wrapped by errors about the entries of a Keys.
var ErrIdentity = errors.New("registrar: identity")

// Keys is a Keyring in memory. Replace swaps all entries at once, so that keys can be
// withdrawn and added while the registrar runs.
type Keys struct {
	entries atomic.Pointer[map[string]Identity]
}

// NewKeys returns a Keyring with the given identities.
func NewKeys(identities ...Identity) (*Keys, error) {
	k := &Keys{}
	if err := k.Replace(identities...); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace swaps the entries. On error nothing changes.
func (k *Keys) Replace(identities ...Identity) error {
	m := make(map[string]Identity, len(identities))
	for _, i := range identities {
		switch _, twice := m[i.Name]; {
		case i.Name == "":
			return fmt.Errorf("%w without a name", ErrIdentity)
		case twice:
			return fmt.Errorf("%w %q is there twice", ErrIdentity, i.Name)
		case len(i.Key) == 0:
			return fmt.Errorf("%w %q has no key", ErrIdentity, i.Name)
		case i.Grant.Role != RolePE && i.Grant.Role != RolePU && i.Grant.Role != RoleRegistrar:
			return fmt.Errorf("%w %q: role %s cannot be granted", ErrIdentity, i.Name, i.Grant.Role)
		}
		for _, other := range m {
			// Whoever holds one of the two could pose as the other.
			if bytes.Equal(other.Key, i.Key) {
				return fmt.Errorf("%w %q has the same key as %q", ErrIdentity, i.Name, other.Name)
			}
		}
		m[i.Name] = i
	}
	k.entries.Store(&m)
	return nil
}

// Key returns a copy of the key of identity, nil when unknown.
func (k *Keys) Key(identity string) []byte {
	return bytes.Clone((*k.entries.Load())[identity].Key)
}

// Grant returns what identity is authorised for.
func (k *Keys) Grant(identity string) (Grant, bool) {
	i, ok := (*k.entries.Load())[identity]
	return i.Grant, ok
}

// Names returns the identities, in no order.
func (k *Keys) Names() []string {
	m := *k.entries.Load()
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}
