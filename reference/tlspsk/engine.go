// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#cgo LDFLAGS: -lssl -lcrypto
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// DefaultCipherSuites prefers forward secrecy and ends with the suite that every
// RFC 4279 implementation has. DHE-PSK is left out: ten times the work of ECDHE-PSK.
const DefaultCipherSuites = "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES128-CBC-SHA256:ECDHE-PSK-AES128-CBC-SHA:" +
	"PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256:PSK-AES128-CBC-SHA"

// DefaultCipherSuites13 holds the suites whose hash is that of an external key.
const DefaultCipherSuites13 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

// defaultSecurityLevel is set always, so that an openssl.cnf cannot change it.
const defaultSecurityLevel = 2

// engine is an SSL_CTX. Its connections need not keep it: OpenSSL counts the
// references to the SSL_CTX, and callbacks reach Go through the connection.
type engine struct {
	ctx    *C.SSL_CTX
	server bool
	max    Version
	live   *atomic.Int64 // connections that hold C memory
	kept   *Sessions     // of a client, nil if it keeps none
}

// bioMethod is a table of functions, made once because OpenSSL never copies it.
var bioMethod = sync.OnceValue(func() *C.BIO_METHOD { return C.tp_bio_method() })

// newEngine builds and checks an SSL_CTX; it is freed when the engine is garbage.
func newEngine(c *Config, server bool) (*engine, error) {
	minVersion, maxVersion := c.versions()
	s := C.tp_settings{min: C.int(minVersion), max: C.int(maxVersion), level: defaultSecurityLevel}
	if server {
		s.server = 1
	}
	if c.KeyLog != nil {
		s.key_log = 1
	}
	if c.AllowEarlyData {
		s.early_data = MaxEarlyData
	}
	if c.Tickets && server || c.Sessions != nil && !server {
		s.tickets = 1
	}
	if c.SecurityLevel != nil {
		s.level = C.int(*c.SecurityLevel)
	}
	suites12 := orDefault(c.CipherSuites, DefaultCipherSuites)
	s.suites12 = C.CString(suites12)
	defer C.free(unsafe.Pointer(s.suites12))
	s.suites13 = C.CString(orDefault(c.CipherSuites13, DefaultCipherSuites13))
	defer C.free(unsafe.Pointer(s.suites13))

	var f C.tp_failure
	ctx := C.tp_context_new(&s, &f)
	if ctx == nil {
		return nil, libraryError(&f)
	}
	e := &engine{ctx: ctx, server: server, max: maxVersion, live: new(atomic.Int64)}
	if !server {
		e.kept = c.Sessions
	}
	runtime.AddCleanup(e, func(ctx *C.SSL_CTX) { C.SSL_CTX_free(ctx) }, ctx)
	return e, e.checkSuites(suites12)
}

// checkSuites keeps certificates, foreign hashes and unnamed NULL encryption out.
func (e *engine) checkSuites(list string) error {
	named := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(":, ", r) })
	var s C.tp_suite
	for i := 0; C.tp_context_suite(e.ctx, C.int(i), &s) == 1; i++ {
		name := C.GoString(s.name)
		switch {
		case s.tls13 == 1 && s.sha256 == 0:
			return fmt.Errorf("tlspsk: %w: %s does not use SHA-256, the hash of an external key", ErrSuite, name)
		case s.tls13 == 1:
		case s.psk_auth == 0:
			return fmt.Errorf("tlspsk: %w: %s needs a certificate", ErrSuite, name)
		case s.encrypts == 0 && !contains(named, name):
			return fmt.Errorf("tlspsk: %w: %s does not encrypt and was not named", ErrSuite, name)
		}
	}
	runtime.KeepAlive(e)
	return nil
}

// newConn allocates the C side of a connection that goes no higher than max.
func (e *engine) newConn(max Version) (*C.tp_conn, error) {
	var f C.tp_failure
	server := C.int(0)
	if e.server {
		server = 1
	}
	var c *C.tp_conn
	e.kept.offer(func(s *C.SSL_SESSION) { c = C.tp_conn_new(e.ctx, bioMethod(), server, C.int(max), s, &f) })
	runtime.KeepAlive(e)
	if c == nil {
		return nil, libraryError(&f)
	}
	e.live.Add(1)
	return c, nil
}

// held is what the cleanup of a connection needs; it must not lead to the connection.
type held struct {
	c    *C.tp_conn
	live *atomic.Int64
}

func (h held) free() {
	C.tp_conn_free(h.c)
	h.live.Add(-1)
}

func libraryError(f *C.tp_failure) error {
	return fmt.Errorf("tlspsk: %s: %w: %w", C.GoString(f.call), ErrConfig, errors.New(C.GoString(C.tp_reason(f.code))))
}

func orDefault(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
