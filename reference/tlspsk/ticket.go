// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include "shim.h"
*/
import "C"

import (
	"runtime"
	"sync"
)

// Sessions is the last session that a client may resume. See Config.Sessions.
type Sessions struct{ k *kept }

// NewSessions returns one that keeps nothing yet.
func NewSessions() *Sessions {
	s := &Sessions{&kept{}}
	runtime.AddCleanup(s, func(k *kept) { k.keep(nil) }, s.k)
	return s
}

// Kept tells whether there is a session to resume.
func (s *Sessions) Kept() bool {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	return s.k.session != nil
}

// kept is what OpenSSL counts its own uses of.
type kept struct {
	mu      sync.Mutex
	session *C.SSL_SESSION
}

// offer calls f with the session, nil for none.
func (s *Sessions) offer(f func(*C.SSL_SESSION)) {
	if s == nil {
		f(nil)
		return
	}
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	f(s.k.session)
}

// keep replaces the session.
func (k *kept) keep(session *C.SSL_SESSION) {
	k.mu.Lock()
	defer k.mu.Unlock()
	C.SSL_SESSION_free(k.session) // of nil: nothing
	k.session = session
}
