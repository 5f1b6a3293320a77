// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

var (
	cookieKey   = []byte("a key of 32 octets for cookies..")
	previousKey = []byte("the key before it, also 32 of it")
	cookieTime  = time.Unix(1_700_000_000, 0)
)

func newCookies(t *testing.T, key []byte, previous ...[]byte) *poolelement.Cookies {
	t.Helper()
	c, err := poolelement.NewCookies(key, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCookieFormat builds the cookie by hand, with the MAC of openssl.
func TestCookieFormat(t *testing.T) {
	const user = "psk \"bob\""
	body := octets(t, "01 03 0000 000000006553ff10 12345678 68656c6c6f 000000") // 1,700,003,600 s; "hello", padded
	var input []byte
	for _, part := range []string{"rspthreat cookie 1", pool, user} {
		input = binary.BigEndian.AppendUint32(input, uint32(len(part)))
		input = append(input, part...)
	}
	openssl := exec.Command("openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:"+hex.EncodeToString(cookieKey), "-binary")
	openssl.Stdin = bytes.NewReader(append(input, body...))
	mac, err := openssl.Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := newCookies(t, cookieKey).Sign(cookieTime, []byte(pool), peID, user, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if want := append(body, mac...); !bytes.Equal(got, want) {
		t.Fatalf("got  %x\nwant %x", got, want)
	}
}

func TestCookieIsBelievedOnlyAsItWasMade(t *testing.T) {
	const user, life = "psk \"bob\"", time.Hour
	sign := func(t *testing.T, key []byte, state string) []byte {
		b, err := newCookies(t, key).Sign(cookieTime, []byte(pool), peID, user, []byte(state))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, row := range []struct {
		name   string
		change func(b []byte) []byte
		key    []byte
		pool   string
		user   string
		after  time.Duration
		want   error
	}{
		{name: "as it was made"},
		{name: "in its last second", after: life - time.Second},
		{name: "made with the previous key", key: previousKey},
		{name: "made with another key", key: bytes.Repeat([]byte("x"), 32), want: poolelement.ErrCookieForged},
		{name: "expired", after: life, want: poolelement.ErrCookieExpired},
		{name: "of another user", user: "psk \"eve\"", want: poolelement.ErrCookieForged},
		{name: "of another pool", pool: otherPool, want: poolelement.ErrCookieForged},
		{name: "user and pool shifted", pool: pool + user[:1], user: user[1:], want: poolelement.ErrCookieForged},
		{name: "cut short", change: func(b []byte) []byte { return b[:len(b)-1] }, want: poolelement.ErrCookieForged},
		{name: "of no more than a MAC", change: func(b []byte) []byte { return b[:47] }, want: poolelement.ErrCookieForged},
		{name: "empty", change: func([]byte) []byte { return nil }, want: poolelement.ErrCookieForged},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.key == nil {
				row.key = cookieKey
			}
			if row.pool == "" {
				row.pool = pool
			}
			if row.user == "" {
				row.user = user
			}
			b := sign(t, row.key, "the state")
			if row.change != nil {
				b = row.change(b)
			}
			state, err := newCookies(t, cookieKey, previousKey).Verify(cookieTime.Add(row.after), wire.PoolHandle(row.pool), row.user, b)
			if !errors.Is(err, row.want) || (row.want != nil) != errors.Is(err, poolelement.ErrRefused) || (err == nil) != (string(state) == "the state") {
				t.Fatalf("state %q, error %v, want %v", state, err, row.want)
			}
		})
	}
	t.Run("with any bit changed", func(t *testing.T) {
		original := sign(t, cookieKey, "the state")
		c := newCookies(t, cookieKey)
		for i := range len(original) * 8 {
			b := bytes.Clone(original)
			b[i/8] ^= 1 << (i % 8)
			if _, err := c.Verify(cookieTime, []byte(pool), user, b); !errors.Is(err, poolelement.ErrCookieForged) {
				t.Fatalf("bit %d changed: %v", i, err)
			}
		}
	})
}

func TestCookieKeysAreReplaced(t *testing.T) {
	c := newCookies(t, previousKey)
	b, err := c.Sign(cookieTime, []byte(pool), peID, "user", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Replace(cookieKey, []byte("short")); !errors.Is(err, poolelement.ErrCookieKey) {
		t.Fatalf("a short key: %v", err)
	}
	if _, err := c.Verify(cookieTime, []byte(pool), "user", b); err != nil {
		t.Fatalf("after a replacement that failed: %v", err)
	}
	if err := c.Replace(cookieKey); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Verify(cookieTime, []byte(pool), "user", b); !errors.Is(err, poolelement.ErrCookieForged) {
		t.Fatalf("with a key that was withdrawn: %v", err)
	}
}

func TestCookieLimits(t *testing.T) {
	if _, err := poolelement.NewCookies(cookieKey[:31]); !errors.Is(err, poolelement.ErrCookieKey) {
		t.Errorf("31 octets of key: %v", err)
	}
	c := newCookies(t, cookieKey)
	largest := make([]byte, poolelement.MaxCookieState)
	if _, err := c.Sign(cookieTime, []byte(pool), peID, "user", append(largest, 0)); !errors.Is(err, poolelement.ErrCookieState) {
		t.Errorf("too much state: %v", err)
	}
	value, err := c.Sign(cookieTime, []byte(pool), peID, "user", largest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Encode(&wire.Cookie{Value: value}); err != nil {
		t.Errorf("the largest cookie does not fit into a message: %v", err)
	}
	for n := range 9 { // rsplib takes no other length
		if b, err := c.Sign(cookieTime, []byte(pool), peID, "user", make([]byte, n)); err != nil || len(b)%4 != 0 {
			t.Errorf("%d octets of state: length %d, %v", n, len(b), err)
		}
	}
}
