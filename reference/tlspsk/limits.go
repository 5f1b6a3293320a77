// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Limits on what a configuration or a peer may bring.
const (
	// MinKeyLen is 128 bits for every version: RFC 9257 section 6 demands it of
	// external keys, and one bound for all means that a key which works in
	// TLS 1.2 does not stop working when both sides learn TLS 1.3. OpenSSL
	// itself would take a key of one octet.
	MinKeyLen = 16
	// MaxKeyLen is the longest key that OpenSSL 3 takes (PSK_MAX_PSK_LEN).
	MaxKeyLen = 512
	// MaxIdentityLen fits the buffer of OpenSSL's TLS 1.2 callbacks with its NUL;
	// RFC 4279 section 5.3 asks for 128 at least.
	MaxIdentityLen = 255
	// MaxEarlyData is one full record, more than any ASAP or ENRP request needs.
	MaxEarlyData = maxPlaintext

	// DefaultHandshakeTimeout leaves room for three retransmissions of a lost
	// TCP segment or SCTP chunk at one, two and four seconds.
	DefaultHandshakeTimeout = 10 * time.Second
)

// Sizes from RFC 8446 section 5.1 and RFC 3436 section 3.2.
const (
	recordHeader = 5
	maxPlaintext = 1 << 14
	maxRecord    = maxPlaintext + 2048 + recordHeader
)

// closeNotifyTimeout bounds how long Close waits for a transport that takes
// nothing; an alert of 40 octets needs no longer than that on any living link.
const closeNotifyTimeout = 2 * time.Second

// handshakesPerCore bounds the handshake steps that run inside OpenSSL at once.
// A goroutine in C occupies an operating system thread, and Go keeps threads for
// good; two a core keep the cores busy. More only made handshakes slower.
const handshakesPerCore = 2

// limiter is a counting semaphore.
type limiter chan struct{}

// handshakeSlots is the one limiter of the process, because threads are a
// resource of the process.
var handshakeSlots = sync.OnceValue(func() limiter {
	return make(limiter, handshakesPerCore*runtime.NumCPU())
})

// acquire takes a slot or returns the error of ctx.
func (l limiter) acquire(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l limiter) release() { <-l }
