// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// The format of a cookie's value, in octets. Its length is a multiple of 4, because rsplib
// takes no other.
//
//	0      version, 1
//	1      number of octets of padding at the end of the state, 0 to 3
//	2-3    zero
//	4-11   when it expires, Unix seconds, big endian
//	12-15  PE identifier of the element that made it
//	16-    state, padding with zeros
//	last 32  HMAC-SHA-256 over a label, pool handle and user, each after its length in 4
//	         octets, and everything before
const (
	cookieVersion = 1
	cookieHeader  = 16
	cookieLabel   = "rspthreat cookie 1"
)

// Limits of cookies.
const (
	// MinCookieKey is the least length of a cookie key: that of the hash (RFC 2104 section 3
	// discourages less).
	MinCookieKey = sha256.Size
	// MaxCookieState leaves room for the rest of an ASAP_COOKIE in 65,535 octets.
	MaxCookieState = 65_000
	// DefaultCookieLife is how long after a failure a user may still come with its cookie.
	DefaultCookieLife = time.Hour
)

// Errors about cookies. All that Verify returns are ErrRefused as well.
var (
	ErrCookieKey     = errors.New("poolelement: cookie key")
	ErrCookieState   = errors.New("poolelement: cookie state too long")
	ErrCookieForged  = errors.New("cookie was not made by an element of the pool for this user")
	ErrCookieExpired = errors.New("cookie has expired")
)

// Cookies signs the state that an element leaves with its pool users, and verifies what
// users bring from other elements of the pool, which share the key (RFC 5352 section 3.8,
// draft section 2.16). A cookie is signed and not encrypted: its user can read the state.
type Cookies struct {
	// Life is how long a cookie counts; 0: DefaultCookieLife.
	Life time.Duration
	keys atomic.Pointer[[][]byte]
}

// NewCookies returns a Cookies that signs with key and also verifies what was signed with
// one of the previous keys. A key has at least MinCookieKey octets, ErrCookieKey otherwise.
func NewCookies(key []byte, previous ...[]byte) (*Cookies, error) {
	c := &Cookies{}
	if err := c.Replace(key, previous...); err != nil {
		return nil, err
	}
	return c, nil
}

// Replace swaps all keys at once. On error nothing changes.
func (c *Cookies) Replace(key []byte, previous ...[]byte) error {
	var keys [][]byte
	for _, k := range append([][]byte{key}, previous...) {
		if len(k) < MinCookieKey {
			return fmt.Errorf("%w: %d octets, at least %d are needed", ErrCookieKey, len(k), MinCookieKey)
		}
		keys = append(keys, bytes.Clone(k))
	}
	c.keys.Store(&keys)
	return nil
}

// Sign returns a cookie with state for a user, made by the element id of a pool.
func (c *Cookies) Sign(now time.Time, pool wire.PoolHandle, id wire.PEID, user string, state []byte) ([]byte, error) {
	if len(state) > MaxCookieState {
		return nil, fmt.Errorf("%w: %d octets, at most %d", ErrCookieState, len(state), MaxCookieState)
	}
	life := c.Life
	if life == 0 {
		life = DefaultCookieLife
	}
	padding := -len(state) & 3
	b := make([]byte, cookieHeader, cookieHeader+len(state)+padding+sha256.Size)
	b[0], b[1] = cookieVersion, byte(padding)
	binary.BigEndian.PutUint64(b[4:], uint64(now.Add(life).Unix()))
	binary.BigEndian.PutUint32(b[12:], uint32(id))
	b = append(b, state...)
	b = append(b, make([]byte, padding)...)
	return append(b, cookieMAC((*c.keys.Load())[0], pool, user, b)...), nil
}

func cookieMAC(key []byte, pool wire.PoolHandle, user string, b []byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte(cookieLabel), pool, []byte(user)} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	h.Write(b)
	return h.Sum(nil)
}
