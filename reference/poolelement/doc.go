// SPDX-License-Identifier: Apache-2.0

// Package poolelement is a pool element (RFC 5352): it finds a registrar, registers in its
// pools there, keeps the registrations alive, answers keep-alives, moves to another
// registrar when its home fails or is taken over, and deregisters before it ends.
//
//	Element      one ASAP endpoint with one home registrar and any number of pools
//	hunt         at most three associations at once, T5 (section 3.6)
//	servers      configured registrars, and announced ones until T7
//	pool         registration and deregistration of one pool: T2, T3, T4 (3.1, 3.2)
//	session      one association with a registrar
//	Control      the control channel towards one pool user: cookies, business cards (3.8, 3.9)
//
// A secured element trusts a registrar because it has shown in a TLS handshake that it
// knows the pre-shared key of the element (draft-ietf-rserpool-threats-15 section 2.6).
// Nothing else makes a registrar: an announcement only names a candidate, and the H flag of
// a keep-alive moves the element only to a registrar authenticated on that association.
//
// What keeps an attacker out is a set of values, the Defences, each in a file of its own and
// each asked at one place. Replacing one makes an element with exactly that weakness.
package poolelement
