// SPDX-License-Identifier: Apache-2.0

// Package tlspsk secures a connection with TLS 1.1 to 1.3, authenticated by an
// external pre-shared key (RFC 4279, RFC 5489, RFC 8446 section 2.2) or by
// certificates.
//
// Pre-shared keys run on OpenSSL 3 because crypto/tls has none; certificates run
// on crypto/tls. Neither engine can do the work of the other: the PSK engine
// holds no certificate and trusts no authority, so a handshake cannot slip from
// a key to a certificate, and neither engine issues or takes session tickets, so
// a key that was removed from the server is gone with the next handshake.
//
// A server looks at the ClientHello before it chooses an engine; see [Server].
//
// With [Config.Messages] the transport preserves messages, as SCTP does, and
// every message carries exactly one TLS record (RFC 3436).
package tlspsk
