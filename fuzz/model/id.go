// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// ID names a case of a campaign. "17" is the case with number 17; "17.3" is the third variant of
// case 17, and "17.3.1" a variant of that. Which variants a campaign runs depends on what the
// system answered; what a variant says does not.
type ID struct {
	Root    uint64
	Variant []uint32
}

// MaxVariants is how deep variants of variants go.
const MaxVariants = 3

// String returns the ID as ParseID reads it.
func (id ID) String() string {
	s := strconv.FormatUint(id.Root, 10)
	for _, v := range id.Variant {
		s += "." + strconv.FormatUint(uint64(v), 10)
	}
	return s
}

// ParseID reads an ID.
func ParseID(s string) (ID, error) {
	root, rest, more := strings.Cut(s, ".")
	n, err := strconv.ParseUint(root, 10, 64)
	if err != nil {
		return ID{}, fmt.Errorf("case %q: %w", s, err)
	}
	id := ID{Root: n}
	for more {
		var word string
		word, rest, more = strings.Cut(rest, ".")
		v, err := strconv.ParseUint(word, 10, 32)
		if err != nil || len(id.Variant) == MaxVariants {
			return ID{}, fmt.Errorf("case %q: a number with at most %d variants", s, MaxVariants)
		}
		id.Variant = append(id.Variant, uint32(v))
	}
	return id, nil
}

// Child returns the ID of a variant.
func (id ID) Child(n uint32) ID {
	return ID{Root: id.Root, Variant: append(slices.Clone(id.Variant), n)}
}

// BlockSize is how many cases in a row share caller and state, so that an association that has
// been led into the state serves all of them.
const BlockSize = 64

// Block returns the number of the block that the case belongs to.
func (id ID) Block() uint64 { return id.Root / BlockSize }

// What random streams of one seed are for.
const (
	streamBlock = 0x62 << 56
	streamCase  = 0x63 << 56
)

// mix makes one number of two, as splitmix64 does.
func mix(a, b uint64) uint64 {
	z := a + 0x9e3779b97f4a7c15*(b+1)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func blockRand(seed, block uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, mix(streamBlock, block)))
}

// rand returns the stream of the case, or of the variant that its first n numbers name.
func (id ID) rand(seed uint64, n int) *rand.Rand {
	key := mix(streamCase, id.Root)
	for _, v := range id.Variant[:n] {
		key = mix(key, uint64(v)+1)
	}
	return rand.New(rand.NewPCG(seed, key))
}
