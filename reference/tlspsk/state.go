// SPDX-License-Identifier: Apache-2.0

package tlspsk

import "fmt"

// IdentityKind says what proved the identity of a peer.
type IdentityKind uint8

// The zero value is the safe one: nothing is known about the peer.
const (
	Anonymous   IdentityKind = iota // nothing was proved
	PSK                             // possession of the pre-shared key
	Certificate                     // a certificate chain that was verified
)

// String names the kind in lower case.
func (k IdentityKind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case PSK:
		return "psk"
	case Certificate:
		return "certificate"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Identity is what a finished handshake proved about the peer.
type Identity struct {
	Kind IdentityKind
	// Name is the PSK identity, or the subject of the certificate in the form of
	// RFC 2253 (its first subjectAltName when the subject is empty); "" when
	// anonymous. A PSK identity may hold any octet but NUL: print an Identity
	// through String, never its Name. A client that used a pre-shared key finds
	// its own identity here, because the key is all that it knows of the server.
	Name string
}

// String returns the kind and the name, quoted and escaped for logs.
func (i Identity) String() string {
	if i.Kind == Anonymous {
		return i.Kind.String()
	}
	return fmt.Sprintf("%s %+q", i.Kind, i.Name)
}

// State is what a handshake agreed on.
type State struct {
	Version      string // "TLS 1.2"; see [Version.String]
	CipherSuite  string // IANA name, "TLS_PSK_WITH_AES_128_CBC_SHA"
	PeerIdentity Identity
	PSK          bool // an external pre-shared key authenticated both sides
	Resumed      bool // by a ticket; never true without [Config.Tickets]
	EarlyData    bool // TLS 1.3 early data was accepted (see [Config.AllowEarlyData])
}
