// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include <stdint.h>
#include <stddef.h>
*/
import "C"

import (
	"crypto/rand"
	"fmt"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// callbacks is what one connection lets OpenSSL reach, and what came of it. A
// handle leads here only while a handshake step runs, so no table of handles
// keeps a connection or a Config alive. All fields are guarded by pskConn.mu,
// which the step holds.
type callbacks struct {
	identity string
	key      []byte
	lookup   func(string) []byte
	hide     bool
	log      *keyLog

	peer  string // identity whose key was given last
	given bool   // a key was given to OpenSSL
	err   error  // why none was, or why the handshake must fail
}

// of returns the callbacks behind a handle, nil for the handle 0.
func of(h C.uintptr_t) *callbacks {
	if h == 0 {
		return nil
	}
	return cgo.Handle(h).Value().(*callbacks)
}

//export tlspskClientKey
func tlspskClientKey(h C.uintptr_t, id *C.char, idMax C.uint, key *C.uchar, keyMax C.uint) C.uint {
	c := of(h)
	if c == nil || len(c.identity) >= int(idMax) || len(c.key) > int(keyMax) {
		return 0
	}
	name := unsafe.Slice((*byte)(unsafe.Pointer(id)), idMax)
	name[copy(name, c.identity)] = 0
	c.peer, c.given = c.identity, true
	return C.uint(copy(unsafe.Slice((*byte)(key), keyMax), c.key))
}

//export tlspskServerKey
func tlspskServerKey(h C.uintptr_t, id *C.char, idLen C.size_t, key *C.uchar, keyMax C.uint) C.uint {
	c := of(h)
	if c == nil {
		return 0
	}
	if idLen > MaxIdentityLen {
		c.err = fmt.Errorf("%w: %d octets", ErrIdentity, idLen)
		return 0
	}
	k := c.find(string(unsafe.Slice((*byte)(unsafe.Pointer(id)), int(idLen))))
	defer clear(k)
	return C.uint(copy(unsafe.Slice((*byte)(key), keyMax), k))
}

// find returns a key of legal length or nothing, and notes the reason.
func (c *callbacks) find(identity string) []byte {
	c.given = false
	if err := checkIdentity(identity); err != nil {
		c.err = err
		return nil
	}
	k, err := c.ask(identity)
	switch {
	case err != nil:
		c.err = err
		return nil
	case len(k) == 0:
		c.err = fmt.Errorf("%w %+q", ErrUnknownIdentity, identity)
		if !c.hide {
			return nil
		}
		// a key nobody has: the handshake goes the way of a wrong key
		k = make([]byte, 2*MinKeyLen)
		rand.Read(k)
		return k
	}
	if err := checkKey(k); err != nil {
		clear(k)
		c.err = fmt.Errorf("%w for identity %+q", err, identity)
		return nil
	}
	c.peer, c.given, c.err = identity, true, nil
	return k
}

// ask calls Lookup; a panic must not unwind through the frames of C.
func (c *callbacks) ask(identity string) (key []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			key, err = nil, fmt.Errorf("%w: %v", ErrLookupPanicked, v)
		}
	}()
	return c.lookup(identity), nil
}

//export tlspskKeyLog
func tlspskKeyLog(h C.uintptr_t, line *C.char) {
	c := of(h)
	if c == nil || c.log == nil {
		return
	}
	if _, err := c.log.Write([]byte(C.GoString(line) + "\n")); err != nil {
		c.err = err
	}
}

// checkIdentity returns ErrIdentity unless both TLS versions can carry s unchanged.
func checkIdentity(s string) error {
	if s == "" || len(s) > MaxIdentityLen || strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("%w: %+q", ErrIdentity, s)
	}
	return nil
}

// checkKey returns ErrKeyLength unless the key is of legal length.
func checkKey(k []byte) error {
	if len(k) < MinKeyLen || len(k) > MaxKeyLen {
		return fmt.Errorf("%w: %d octets, want %d to %d", ErrKeyLength, len(k), MinKeyLen, MaxKeyLen)
	}
	return nil
}
