// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Nonce is the public nonce of an epoch.
type Nonce = [wire.SelectionNonceLength]byte

// Anchor is the commitment to a chain of public nonces: the nonce of an epoch is what gives,
// hashed with SHA-256, the nonce of the epoch before, and Nonce is that of epoch 0. Who knows
// the anchor can check every nonce of the chain, and nobody can choose one afterwards. It is
// public and reaches pool elements out of band.
type Anchor struct {
	Nonce  Nonce
	Start  time.Time     // of epoch 0, in which nothing is drawn yet
	Period time.Duration // of an epoch
	Length uint64        // the last epoch
}

// Limits of a chain.
const (
	// MaxChain bounds the hashes that checking a nonce can take, a second of work.
	MaxChain = 10_000_000
	// chainStride is how many hashes apart a NonceChain remembers nonces: 320 kB at most.
	chainStride = 1000
)

// Errors about nonces.
var (
	ErrChain = errors.New("policy: nonce chain")
	ErrNonce = errors.New("policy: not the nonce of the epoch")
)

// Check finds what makes an anchor useless.
func (a *Anchor) Check() error {
	switch {
	case a.Period < time.Second:
		return fmt.Errorf("%w: epochs of %s, at least a second", ErrChain, a.Period)
	case a.Length < 1 || a.Length > MaxChain:
		return fmt.Errorf("%w: %d epochs, 1 to %d", ErrChain, a.Length, MaxChain)
	}
	return nil
}

// Epoch returns the epoch of a time; false before epoch 1 and after the last one.
func (a *Anchor) Epoch(t time.Time) (uint64, bool) {
	d := t.Sub(a.Start)
	if d < a.Period {
		return 0, false
	}
	e := uint64(d / a.Period)
	return e, e <= a.Length
}

// NonceChain is the secret behind an Anchor: all nonces, and the lots of pool users. The
// registrars of an operational scope share it, so that nobody gets another nonce or lot by
// asking another registrar. It may be used by several goroutines.
type NonceChain struct {
	anchor Anchor
	marks  []Nonce // of the epochs Length, Length-chainStride, ...
	lots   []byte

	mu    sync.Mutex
	epoch uint64
	nonce Nonce
}

// NewNonceChain makes the chain that ends with the nonce seed.
func NewNonceChain(seed Nonce, start time.Time, period time.Duration, length uint64) (*NonceChain, error) {
	c := &NonceChain{anchor: Anchor{Start: start, Period: period, Length: length}}
	if err := c.anchor.Check(); err != nil {
		return nil, err
	}
	n := seed
	for i := range length {
		if i%chainStride == 0 {
			c.marks = append(c.marks, n)
		}
		n = sha256.Sum256(n[:])
	}
	c.anchor.Nonce = n
	mac := hmac.New(sha256.New, seed[:])
	mac.Write([]byte("rspthreat selection lots 1"))
	c.lots = mac.Sum(nil)
	return c, nil
}

// Anchor returns what the chain is checked by.
func (c *NonceChain) Anchor() Anchor { return c.anchor }

// Nonce returns the nonce of an epoch from 0 to the last, ErrChain for others. Those that lie
// ahead are secret until their time comes.
func (c *NonceChain) Nonce(epoch uint64) (Nonce, error) {
	if epoch > c.anchor.Length {
		return Nonce{}, fmt.Errorf("%w: epoch %d of %d", ErrChain, epoch, c.anchor.Length)
	}
	if epoch == 0 {
		return c.anchor.Nonce, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		hashes := c.anchor.Length - epoch
		n := c.marks[hashes/chainStride]
		for range hashes % chainStride {
			n = sha256.Sum256(n[:])
		}
		c.epoch, c.nonce = epoch, n
	}
	return c.nonce, nil
}

// Lot returns what a pool user draws with in one pool and epoch: the first octets of
// HMAC-SHA-256 over epoch, pool handle after its length, and the name of the user, under a key
// that only holders of the chain have. It is the same however often the user asks.
func (c *NonceChain) Lot(epoch uint64, pool, user string) (lot [wire.SelectionLotLength]byte) {
	mac := hmac.New(sha256.New, c.lots)
	var b [12]byte
	binary.BigEndian.PutUint64(b[:], epoch)
	binary.BigEndian.PutUint32(b[8:], uint32(len(pool)))
	mac.Write(b[:])
	mac.Write([]byte(pool))
	mac.Write([]byte(user))
	copy(lot[:], mac.Sum(nil))
	return lot
}

// NonceChecker checks nonces against an anchor and remembers how far it has come. It may be
// used by several goroutines.
type NonceChecker struct {
	anchor Anchor

	mu    sync.Mutex
	epoch uint64 // the highest one that was right
	nonce Nonce
}

// NewNonceChecker returns a checker that knows nothing but the anchor.
func NewNonceChecker(a Anchor) (*NonceChecker, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	return &NonceChecker{anchor: a, nonce: a.Nonce}, nil
}

// Anchor returns the anchor.
func (c *NonceChecker) Anchor() Anchor { return c.anchor }

// Check returns nil if the nonce is that of the epoch, ErrNonce if not. It hashes as often as
// the epoch is away from what is known: the caller refuses epochs that lie in the future.
func (c *NonceChecker) Check(epoch uint64, nonce Nonce) error {
	if epoch < 1 || epoch > c.anchor.Length {
		return fmt.Errorf("%w: epoch %d of %d", ErrNonce, epoch, c.anchor.Length)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch <= c.epoch {
		n := c.nonce
		for range c.epoch - epoch {
			n = sha256.Sum256(n[:])
		}
		if n != nonce {
			return fmt.Errorf("%w %d", ErrNonce, epoch)
		}
		return nil
	}
	n := nonce
	for range epoch - c.epoch {
		n = sha256.Sum256(n[:])
	}
	if n != c.nonce {
		return fmt.Errorf("%w %d", ErrNonce, epoch)
	}
	c.epoch, c.nonce = epoch, nonce
	return nil
}
