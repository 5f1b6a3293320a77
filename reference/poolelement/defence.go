// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Origin is what the element knows of an association with a node before anybody judged it.
type Origin struct {
	Mode     Mode
	Dialed   bool   // we set it up, and to Registrar
	Identity string // our own PSK identity
	Info     association.Info

	Registrar Registrar     // if Dialed
	Key       *RegistrarKey // if not Dialed: the entry of the identity that came; nil: none
}

// Role is what a node may be to the element.
type Role uint8

// The roles.
const (
	Stranger      Role = iota // nobody: nothing is told to it and nothing taken from it
	RegistrarRole             // an authenticated registrar; in an insecure element anybody
)

// String returns "stranger" or "registrar".
func (r Role) String() string {
	if r == RegistrarRole {
		return "registrar"
	}
	return "stranger"
}

// Peer is the node at the far end of an association.
type Peer struct {
	Origin
	Role Role
	// Server is the server ID that this association speaks for: the one that the
	// administrator named, or the first that it said; 0: not yet known.
	Server wire.ServerID
}

// Query is a message on its way through the defences.
type Query struct {
	Now     time.Time
	Peer    *Peer
	Message wire.Message
	Home    wire.ServerID // of the home registrar; 0: none, or it has not said
}

// ErrRefused is wrapped by every error of the defences.
var ErrRefused = errors.New("poolelement: refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Authentication decides once, when an association has been set up, whether the node at its
// far end is a registrar. It returns nil if so, or the reason why not.
type Authentication interface {
	Authenticate(o *Origin) error
}

// AuthenticationFunc makes a function an Authentication.
type AuthenticationFunc func(o *Origin) error

// Authenticate calls f.
func (f AuthenticationFunc) Authenticate(o *Origin) error { return f(o) }

// Defence judges one aspect of a message. Refuse returns nil to let it through. It is
// called with the element's lock held: it must not block or call back.
type Defence interface {
	Refuse(q *Query) error
}

// DefenceFunc makes a function a Defence.
type DefenceFunc func(q *Query) error

// Refuse calls f.
func (f DefenceFunc) Refuse(q *Query) error { return f(q) }

// Limiter says how long the answer to a keep-alive has to wait; until then all further ones
// for the same pool on the same association are answered together.
type Limiter interface {
	Wait(b *Bucket, now time.Time) time.Duration
}

// CookieVerifier judges a cookie that a pool user has echoed and returns the state in it.
type CookieVerifier interface {
	Verify(c *Cookies, now time.Time, pool wire.PoolHandle, user string, cookie []byte) ([]byte, error)
}

// CookieVerifierFunc makes a function a CookieVerifier.
type CookieVerifierFunc func(c *Cookies, now time.Time, pool wire.PoolHandle, user string, cookie []byte) ([]byte, error)

// Verify calls f.
func (f CookieVerifierFunc) Verify(c *Cookies, now time.Time, pool wire.PoolHandle, user string, cookie []byte) ([]byte, error) {
	return f(c, now, pool, user, cookie)
}

// SelectionJudge judges a pool user's proof that it selected the element id of a pool by the
// pool's policy.
type SelectionJudge interface {
	Verify(s *Selections, now time.Time, pool wire.PoolHandle, id wire.PEID, m *wire.SelectionProof) (Selected, error)
}

// SelectionJudgeFunc makes a function a SelectionJudge.
type SelectionJudgeFunc func(s *Selections, now time.Time, pool wire.PoolHandle, id wire.PEID, m *wire.SelectionProof) (Selected, error)

// Verify calls f.
func (f SelectionJudgeFunc) Verify(s *Selections, now time.Time, pool wire.PoolHandle, id wire.PEID, m *wire.SelectionProof) (Selected, error) {
	return f(s, now, pool, id, m)
}

// Defences is everything that stands between a message and the element.
type Defences struct {
	Registrar Authentication // draft 2.6, 2.12: has the node shown to be a registrar?
	Sender    Defence        // draft 2.6: may a node of its role send this message?
	Home      Defence        // draft 2.6: may this keep-alive move the element?
	KeepAlive Limiter        // draft 2.14: are there too many keep-alives?
	Cookie    CookieVerifier // draft 2.16: did an element of the pool make this cookie, for this user?
	Selection SelectionJudge // draft 2.17: was the element drawn, or chosen?
}

// NewDefences returns all defences in force.
func NewDefences() Defences {
	return Defences{
		Registrar: AuthenticationFunc(authenticate),
		Sender:    DefenceFunc(fromRegistrar),
		Home:      DefenceFunc(mayBeHome),
		KeepAlive: DefaultKeepAliveRate(),
		Cookie:    CookieVerifierFunc((*Cookies).Verify),
		Selection: SelectionJudgeFunc((*Selections).Verify),
	}
}
