// SPDX-License-Identifier: Apache-2.0

// Package registrar is an ENRP server: the ASAP service for pool elements and pool users
// (RFC 5352) and the ENRP service for peer registrars (RFC 5353).
//
// A registrar is secured or insecure as a whole, never both (draft-ietf-rserpool-threats-15
// section 2.15). A secured registrar serves over TLS only: a pool element and a peer
// registrar authenticate by pre-shared key, a pool user authenticates the registrar by its
// certificate and stays anonymous. Its clear doors are open only to refuse.
//
// What keeps an attacker out is a set of values, the Defences, each in a file of its own and
// each asked at one place on the path of a message. Replacing one of them makes a registrar
// with exactly that weakness, which is how the harness proves that its checks can fail.
package registrar
