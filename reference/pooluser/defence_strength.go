// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// ErrWeaker: an element that offers less security than the session has had.
var ErrWeaker = errors.New("pooluser: weaker security context")

// SecurityContext is what protects the channel with an element.
type SecurityContext struct {
	Secured       bool // under TLS: integrity and protection from replay
	Authenticated bool // the element has shown a certificate that was verified, or the pre-shared key
	Encrypted     bool // the cipher suite encrypts
}

// ContextOf returns the security context of an association.
func ContextOf(info association.Info) SecurityContext {
	if !info.Secured {
		return SecurityContext{}
	}
	return SecurityContext{
		Secured:       true,
		Authenticated: info.Identity.Kind != tlspsk.Anonymous,
		Encrypted:     !nullCipher(info.TLS.CipherSuite),
	}
}

// nullCipher tells whether a suite's IANA name is one of a suite without
// encryption: TLS_RSA_WITH_NULL_SHA, and TLS_SHA256_SHA256 of RFC 9150.
func nullCipher(suite string) bool {
	return strings.Contains(suite, "_NULL_") || suite == "TLS_SHA256_SHA256" || suite == "TLS_SHA384_SHA384"
}

// String describes the context: "tls, authenticated, encrypted", or "clear".
func (c SecurityContext) String() string {
	if !c.Secured {
		return "clear"
	}
	s := "tls"
	if c.Authenticated {
		s += ", authenticated"
	}
	if c.Encrypted {
		s += ", encrypted"
	}
	return s
}

// noWeaker refuses whatever lacks a property that the session had (draft section
// 2.9.2). A certificate and a pre-shared key count the same, and so do TLS 1.2
// and 1.3: a pool that is being renewed must be able to fail over.
func noWeaker(from, to SecurityContext) error {
	if from.Secured && !to.Secured || from.Authenticated && !to.Authenticated || from.Encrypted && !to.Encrypted {
		return fmt.Errorf("%w: %s after %s", ErrWeaker, to, from)
	}
	return nil
}
