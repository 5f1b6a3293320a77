// SPDX-License-Identifier: Apache-2.0

// Package attackers holds the scripted attackers of draft-ietf-rserpool-threats-15, one a
// file. They know what a stranger on the network knows: addresses, the protocols, and the
// credentials of whoever they are. They stand on the codec, the associations and TLS, never
// on an implementation of registrar, element or user.
//
// An attacker reports what it did as Attempts. Whether one of them did harm is not for the
// attacker to say; that is what the oracles of the scenarios look at.
package attackers
