// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// outRoom is the room for output in each step: one full record, or a whole flight.
const outRoom = maxRecord

// outPool lends output buffers, so that an idle connection has none.
var outPool = sync.Pool{New: func() any {
	b := make([]byte, 0, outRoom)
	return &b
}}

// result is what a step achieved.
type result struct {
	n         int  // octets of plaintext read or written
	taken     int  // octets of ciphertext used
	finished  bool // the operation is complete
	starved   bool // it needs more ciphertext
	clogged   bool // it needs room for output
	pending   bool // plaintext is left inside OpenSSL
	earlyDone bool // there is no more early data
}

// step runs one operation of OpenSSL under mu. Output is appended to pending.
// io.EOF is the peer's close_notify.
func (c *pskConn) step(op C.int, in, buf []byte) (result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c == nil {
		return result{}, net.ErrClosed
	}
	var h cgo.Handle
	if op != C.TP_READ && op != C.TP_WRITE && op != C.TP_SHUTDOWN {
		h = cgo.NewHandle(c.calls)
		defer h.Delete()
	}
	out := c.spare()
	// no "noescape" for this call: callbacks may move goroutine stacks
	r := C.tp_step(c.c, op, C.uintptr_t(h), pointer(in), C.size_t(len(in)),
		pointer(buf), C.int(len(buf)), pointer(out), C.size_t(len(out)))
	c.produced(int(r.made))
	res := result{
		n: int(r.n), taken: int(r.taken), pending: r.pending != 0, earlyDone: r.early_done != 0,
		finished: r.status == C.SSL_ERROR_NONE,
		starved:  r.status == C.SSL_ERROR_WANT_READ, clogged: r.status == C.SSL_ERROR_WANT_WRITE,
	}
	switch {
	case res.finished || res.starved || res.clogged:
		return res, nil
	case r.status == C.SSL_ERROR_ZERO_RETURN:
		return res, io.EOF
	}
	return res, c.failure(op, &r)
}

// spare returns room behind the pending output; mu is held.
func (c *pskConn) spare() []byte {
	if c.pending == nil {
		c.pending = outPool.Get().(*[]byte)
	}
	b := *c.pending
	if cap(b)-len(b) < outRoom {
		b = append(make([]byte, 0, len(b)+outRoom), b...)
		*c.pending = b
	}
	return b[len(b) : len(b)+outRoom]
}

// produced notes that n octets were put into the spare room; mu is held.
func (c *pskConn) produced(n int) {
	*c.pending = (*c.pending)[:len(*c.pending)+n]
	if len(*c.pending) == 0 {
		c.recycle(c.pending)
		c.pending = nil
	}
}

// recycle gives an output buffer back unless it grew.
func (c *pskConn) recycle(b *[]byte) {
	if cap(*b) == outRoom {
		*b = (*b)[:0]
		outPool.Put(b)
	}
}

// failure turns a failed step into an error; mu is held.
func (c *pskConn) failure(op C.int, r *C.tp_result) error {
	e := &AlertError{Op: opName(op), Reason: C.GoString(C.tp_reason(r.code)), Err: c.calls.err}
	if e.Reason == "" {
		e.Reason = fmt.Sprintf("SSL_get_error %d", int(r.status))
	}
	if a := c.c.alert_out; a > 0 {
		e.Sent = alert(a).String()
	}
	if a := c.c.alert_in; a > 0 {
		e.Received = alert(a).String()
	}
	switch {
	case e.Err != nil:
	case r.cert_refused != 0:
		e.Err = ErrNotPSK
	case c.c.alert_in == C.int(alertUnknownPSKIdentity):
		e.Err = ErrUnknownIdentity
	}
	return e
}

func opName(op C.int) string {
	switch op {
	case C.TP_READ:
		return "read"
	case C.TP_WRITE:
		return "write"
	case C.TP_SHUTDOWN:
		return "close"
	}
	return "handshake"
}

// authenticated refuses what the pre-shared key did not authenticate, and notes the
// state. OpenSSL knows an external key as a resumed session.
func (c *pskConn) authenticated() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c == nil {
		return net.ErrClosed
	}
	var i C.tp_info
	C.tp_conn_info(c.c, &i)
	runtime.KeepAlive(c)
	resumed := c.c.by_ticket != 0 || c.kept != nil && i.resumed != 0 && !c.calls.given
	switch {
	case resumed && c.server: // the ticket is no identity of a key, which was asked for first
		c.calls.peer, c.calls.given, c.calls.err = C.GoString(&c.c.identity[0]), true, nil
	case resumed:
		c.calls.peer, c.calls.given = c.calls.identity, true
	}
	if c.calls.err != nil {
		return handshakeError(c.calls.err)
	}
	proof := i.psk_auth != 0
	if Version(i.version) == TLS13 {
		proof = i.resumed != 0
	}
	if !proof || !c.calls.given || i.peer_cert != 0 {
		return handshakeError(ErrNotPSK)
	}
	c.state.Store(&State{
		Version: Version(i.version).String(), CipherSuite: C.GoString(i.suite), PSK: true,
		PeerIdentity: Identity{Kind: PSK, Name: c.calls.peer}, EarlyData: i.early_accepted != 0,
		Resumed: resumed,
	})
	return nil
}

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }
