// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// userFaults take defences out of the reference pool user.
func userFaults() []Fault {
	all := slices.Concat(userCertificateFaults(), userDiscoveryFaults(), userRecordFaults(), userReportFaults(), userSearchFaults(), userSessionFaults())
	for i := range all {
		all[i].Role = PoolUser
	}
	return all
}

// towardsRegistrar tells whether an association is one with a registrar: those with elements
// carry data, which has another payload protocol identifier.
func towardsRegistrar(t *pooluser.Target) bool { return t.PPID == wire.PPIDASAP }

// admitEverybody takes registrars as they come, after the handshake.
type admitEverybody struct{ required bool }

func (a admitEverybody) Required(_ pooluser.Server, mode pooluser.Mode) bool {
	return a.required && mode != pooluser.Clear
}

func (admitEverybody) Admit(pooluser.Server, pooluser.Mode, association.Info) error { return nil }

// userSearchFaults are about which registrars are looked for, and how.
func userSearchFaults() []Fault {
	return []Fault{
		{
			Name:         "user-refuse-certificates",
			Description:  "the user speaks TLS with pre-shared keys only",
			Requirements: []string{"T2.7-R2"},
			Disables:     true,
			user: func(c *pooluser.Config) {
				c.Credentials.PSKIdentity, c.Credentials.PSKKey = "user", make([]byte, tlspsk.MinKeyLen)
			},
		},
		{
			Name:         "user-fall-back-to-clear",
			Description:  "where TLS with a registrar fails, the user goes on without",
			Requirements: []string{"T2.7-R1", "T2.12-R1", "T2.12-R2", "T2.12-R3", "T3-R11"},
			user: func(c *pooluser.Config) {
				c.Defences.Authentication = admitEverybody{required: true}
				dial := c.Dial
				c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
					a, err := dial(ctx, t)
					if err == nil || !towardsRegistrar(&t) || ctx.Err() != nil {
						return a, err
					}
					t.TLS = nil
					return dial(ctx, t)
				}
			},
		},
		{
			Name:         "user-give-up-search",
			Description:  "after a registrar that fails to authenticate itself the user looks for no other",
			Requirements: []string{"T3-R4"},
			Disables:     true, // the checks of section 2.7 look whether the user goes on
			user:         giveUpSearch,
		},
	}
}

// errGaveUp is what a user says that has given up the search.
var errGaveUp = errors.New("a registrar has failed to authenticate itself")

func giveUpSearch(c *pooluser.Config) {
	dial := c.Dial
	given := make(chan struct{})
	var once sync.Once
	c.Dial = func(ctx context.Context, t pooluser.Target) (association.Association, error) {
		if !towardsRegistrar(&t) {
			return dial(ctx, t)
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-given:
				cancel(errGaveUp)
			case <-ended:
			}
		}()
		a, err := dial(ctx, t)
		var refused *tls.CertificateVerificationError
		if errors.As(err, &refused) {
			once.Do(func() { close(given) })
		}
		select {
		case <-given:
			if err == nil {
				_ = a.Abort("given up")
			}
			return nil, errors.Join(errGaveUp, err)
		default:
			return a, err
		}
	}
}
