// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
)

var chainStart = time.Unix(1_790_000_000, 0)

// vectorChain is the chain of the vectors.
func vectorChain(tb testing.TB, length uint64) *policy.NonceChain {
	tb.Helper()
	c, err := policy.NewNonceChain(policy.Nonce(bytes.Repeat([]byte{0xa5}, 32)), chainStart, time.Minute, length)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestNonceChainVector(t *testing.T) {
	c := vectorChain(t, 5)
	if a := c.Anchor(); !bytes.Equal(a.Nonce[:], vector(t, "anchor")) {
		t.Errorf("anchor %x", a.Nonce)
	}
	if n, err := c.Nonce(3); err != nil || !bytes.Equal(n[:], vector(t, "nonce-3")) {
		t.Errorf("nonce of epoch 3: %x, %v", n, err)
	}
	if lot := c.Lot(3, "EchoPool", "192.0.2.7"); !bytes.Equal(lot[:], vector(t, "lot")) {
		t.Errorf("lot %x", lot)
	}
	if n, err := c.Nonce(5); err != nil || n != policy.Nonce(bytes.Repeat([]byte{0xa5}, 32)) {
		t.Errorf("last nonce %x, %v", n, err)
	}
	if _, err := c.Nonce(6); !errors.Is(err, policy.ErrChain) {
		t.Errorf("nonce after the end: %v", err)
	}
}

// Each user, pool and epoch has a lot of its own, the same whenever it is asked for.
func TestLotsDiffer(t *testing.T) {
	c := vectorChain(t, 5)
	seen := map[[16]byte]string{}
	for what, lot := range map[string][16]byte{
		"base": c.Lot(1, "pool", "user"), "epoch": c.Lot(2, "pool", "user"), "user": c.Lot(1, "pool", "user2"),
		"pool": c.Lot(1, "pool2", "user"), "border": c.Lot(1, "poolu", "ser"),
	} {
		if other, twice := seen[lot]; twice {
			t.Errorf("%s and %s have the same lot", what, other)
		}
		seen[lot] = what
	}
	if c.Lot(1, "pool", "user") != vectorChain(t, 5).Lot(1, "pool", "user") {
		t.Error("another registrar with the chain gives another lot")
	}
}

func TestEpochs(t *testing.T) {
	a := vectorChain(t, 5).Anchor()
	for _, c := range []struct {
		after time.Duration
		epoch uint64
		ok    bool
	}{
		{-time.Hour, 0, false},
		{0, 0, false},
		{time.Minute - 1, 0, false},
		{time.Minute, 1, true},
		{6*time.Minute - 1, 5, true},
		{6 * time.Minute, 6, false},
	} {
		if e, ok := a.Epoch(chainStart.Add(c.after)); e != c.epoch || ok != c.ok {
			t.Errorf("%s after the start: epoch %d, %v", c.after, e, ok)
		}
	}
}

func TestNonceCheckerTakesTheChainAndNothingElse(t *testing.T) {
	c := vectorChain(t, 3000) // three strides
	checker, err := policy.NewNonceChecker(c.Anchor())
	if err != nil {
		t.Fatal(err)
	}
	nonce := func(epoch uint64) policy.Nonce {
		n, err := c.Nonce(epoch)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, epoch := range []uint64{1, 7, 999, 1000, 1001, 3, 2999, 3000, 1} {
		if err := checker.Check(epoch, nonce(epoch)); err != nil {
			t.Errorf("epoch %d: %v", epoch, err)
		}
		wrong := nonce(epoch)
		wrong[31] ^= 1
		for _, n := range []policy.Nonce{wrong, nonce(epoch - 1)} {
			if err := checker.Check(epoch, n); !errors.Is(err, policy.ErrNonce) {
				t.Errorf("epoch %d took a wrong nonce: %v", epoch, err)
			}
		}
	}
	for _, epoch := range []uint64{0, 3001} {
		if err := checker.Check(epoch, nonce(0)); !errors.Is(err, policy.ErrNonce) {
			t.Errorf("epoch %d: %v", epoch, err)
		}
	}
}

func TestUselessChains(t *testing.T) {
	for _, c := range []struct {
		period time.Duration
		length uint64
	}{{time.Millisecond, 5}, {time.Minute, 0}, {time.Minute, policy.MaxChain + 1}} {
		if _, err := policy.NewNonceChain(policy.Nonce{}, chainStart, c.period, c.length); !errors.Is(err, policy.ErrChain) {
			t.Errorf("%+v: %v", c, err)
		}
		if _, err := policy.NewNonceChecker(policy.Anchor{Period: c.period, Length: c.length}); !errors.Is(err, policy.ErrChain) {
			t.Errorf("checker %+v: %v", c, err)
		}
	}
}
