// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// secured returns how an association looks with some properties missing.
func secured(kind tlspsk.IdentityKind, suite string) association.Info {
	return association.Info{Secured: true, Identity: tlspsk.Identity{Kind: kind}, TLS: tlspsk.State{CipherSuite: suite}}
}

const (
	encrypting = "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256"
	null       = "TLS_PSK_WITH_NULL_SHA256"
)

// Draft section 2.9.2: "an attacker could take advantage of the change in security".
func TestFailoverNeverWeakensTheSecurityContext(t *testing.T) {
	strong := secured(tlspsk.Certificate, encrypting)
	for _, tc := range []struct {
		name   string
		before association.Info
		after  association.Info
		ok     bool
	}{
		{"certificate to pre-shared key", strong, secured(tlspsk.PSK, encrypting), true},
		{"pre-shared key to certificate", secured(tlspsk.PSK, encrypting), strong, true},
		{"certificate to anonymous", strong, secured(tlspsk.Anonymous, encrypting), false},
		{"pre-shared key to anonymous", secured(tlspsk.PSK, encrypting), secured(tlspsk.Anonymous, encrypting), false},
		{"encrypting to NULL", strong, secured(tlspsk.Certificate, null), false},
		{"NULL to encrypting", secured(tlspsk.Certificate, null), strong, true},
		{"anonymous to anonymous", secured(tlspsk.Anonymous, encrypting), secured(tlspsk.Anonymous, encrypting), true},
		{"TLS to clear", secured(tlspsk.Anonymous, null), association.Info{}, false},
	} {
		for _, defended := range []bool{true, false} {
			t.Run(tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBed(t, func(c *pooluser.Config) {
						c.Elements.Security = pooluser.ElementsPreferred
						if !defended {
							none := func(_, _ pooluser.SecurityContext) error { return nil }
							defences(func(d *pooluser.Defences) { d.Strength = pooluser.StrengthFunc(none) })(c)
						}
					}, peA, peB, peC)
					b.pe[peA].info, b.pe[peB].info, b.pe[peC].info = tc.before, tc.after, tc.before
					_, a := b.open(peA)
					a.control(&wire.Cookie{Value: []byte("session key")})
					synctest.Wait()
					a.Abort("")
					if tc.ok || !defended {
						b.far(peB).want("echo session key")
						return
					}
					b.far(peC).want("echo session key")
					if got := (&node{Association: b.far(peB).Association}).pending(); len(got) != 0 {
						t.Errorf("the weaker element was sent %d messages", len(got))
					}
					if got := b.user.Stats().ElementsRefused; got != 1 {
						t.Errorf("%d elements refused, want 1", got)
					}
				})
			})
		}
	}
}

// The next element has no TLS: what was under TLS must not go on in clear.
func TestFailoverDoesNotFallBackToClear(t *testing.T) {
	noTLS := func(_ context.Context, target pooluser.Target) error {
		if target.TLS != nil {
			return errors.New("connection reset")
		}
		return nil
	}
	for _, defended := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, func(c *pooluser.Config) {
				c.Elements.Security = pooluser.ElementsPreferred
				if !defended {
					none := func(_, _ pooluser.SecurityContext) error { return nil }
					defences(func(d *pooluser.Defences) { d.Strength = pooluser.StrengthFunc(none) })(c)
				}
			}, peA, peB)
			b.pe[peB].answer(noTLS)
			s, a := b.open(peA)
			a.Abort("")
			if !defended {
				b.far(peB)
				return
			}
			<-s.Done()
			if !errors.Is(s.Err(), pooluser.ErrNoElement) || b.pe[peB].count() != 1 {
				t.Errorf("%v after %d dials to the element without TLS, want ErrNoElement after 1", s.Err(), b.pe[peB].count())
			}
		})
	}
}

// Somebody is there and cannot be who it should be: clear would reach the same one.
func TestForgedCertificateIsNotFollowedByClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Elements.Security = pooluser.ElementsPreferred }, peA, peB)
		b.pe[peA].answer(func(_ context.Context, target pooluser.Target) error {
			if target.TLS != nil {
				return &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
			}
			return nil
		})
		b.open(peB)
		if got := b.pe[peA].count(); got != 1 {
			t.Errorf("dialled %d times, want once", got)
		}
	})
}

// A session that began in clear may go on in clear, and stays under TLS from then on.
func TestPreferredTLSIsUsedWhereItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, func(c *pooluser.Config) { c.Elements.Security = pooluser.ElementsPreferred }, peA, peB)
		b.pe[peA].answer(func(_ context.Context, target pooluser.Target) error {
			if target.TLS != nil {
				return errors.New("connection reset")
			}
			return nil
		})
		s, a := b.open(peA)
		if _, c, _ := s.Element(); c.Secured {
			t.Error("secured")
		}
		a.Abort("")
		b.far(peB).data("x")
		receive(t, s)
		if _, c, _ := s.Element(); !c.Secured {
			t.Error("in clear, although the element has TLS")
		}
	})
}
