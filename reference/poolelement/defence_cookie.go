// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Verify returns the state in a cookie that a user has echoed, if an element of the pool
// made it for this user and it has not expired (draft section 2.16). It may be echoed more
// than once: what a state may be used for twice is for the application to decide.
func (c *Cookies) Verify(now time.Time, pool wire.PoolHandle, user string, cookie []byte) ([]byte, error) {
	end := len(cookie) - sha256.Size
	if end < cookieHeader {
		return nil, fmt.Errorf("%w: %w: %d octets", ErrRefused, ErrCookieForged, len(cookie))
	}
	signed := false
	for _, key := range *c.keys.Load() {
		signed = hmac.Equal(cookieMAC(key, pool, user, cookie[:end]), cookie[end:]) || signed
	}
	if !signed || cookie[0] != cookieVersion {
		return nil, fmt.Errorf("%w: %w", ErrRefused, ErrCookieForged)
	}
	if expires := time.Unix(int64(binary.BigEndian.Uint64(cookie[4:])), 0); !now.Before(expires) {
		return nil, fmt.Errorf("%w: %w: at %s", ErrRefused, ErrCookieExpired, expires.UTC().Format(time.RFC3339))
	}
	return CookieState(cookie), nil
}

// CookieState returns the state in a cookie without looking whether it may be believed; nil
// when there is none. Only for faults.
func CookieState(cookie []byte) []byte {
	end := len(cookie) - sha256.Size
	if end < cookieHeader {
		return nil
	}
	padding := int(cookie[1])
	if padding > end-cookieHeader {
		return nil
	}
	return bytes.Clone(cookie[cookieHeader : end-padding])
}
