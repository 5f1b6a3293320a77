// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Options configure a [Space]. A limit of 0 is none; a registration beyond a
// limit gets [ErrFull]. With addresses for one host an element needs about 400
// bytes of memory, its pool about 350 more and the bytes of its handle.
type Options struct {
	// Server is the server whose elements are the "own" ones of [Space.Page].
	Server wire.ServerID

	// MaxPools and MaxElements bound the whole handlespace.
	MaxPools, MaxElements int

	// MaxPerPool bounds the elements of each pool, and with them the answer to a
	// resolution that asks for all.
	MaxPerPool int

	// MaxPerOwner bounds the elements that one identity has registered, so that
	// one cannot use up what is for all. Elements without owner do not count.
	MaxPerOwner int

	// Rand is what the random policies draw from. nil is a generator with a
	// constant seed, whose selections everyone can foretell: for tests.
	Rand rand.Source
}
