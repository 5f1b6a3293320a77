// SPDX-License-Identifier: Apache-2.0

// Package registrar is an ENRP server: the ASAP service for pool elements and pool users
// (RFC 5352) and the ENRP service for peer registrars (RFC 5353).
//
// A registrar is secured or insecure as a whole, never both (draft-ietf-rserpool-threats-15
// section 2.15). A secured registrar serves over TLS only: a pool element and a peer
// registrar authenticate by pre-shared key, a pool user authenticates the registrar by its
// certificate and stays anonymous. Its clear doors are open only to refuse.
//
// Among registrars it does what RFC 5353 section 3 says: start-up with a mentor, peer list,
// presence, failure detection, takeover with arbitration, audit by PE checksum and
// re-synchronization. Announcements to peers go over the associations. Where the RFC is
// silent or open to insiders, this registrar
//
//   - serves alone when no mentor helps, and lets the audit make up for the download;
//   - takes a peer that does not acknowledge a takeover in MAX-TIME-NO-RESPONSE for one that
//     objects, and agrees itself only while the target is silent, to one initiator at a time;
//   - monitors a target again when the initiator that it agreed with does not go on;
//   - leaves an element with the home that holds it until that home lets go of it, whatever
//     another peer announces;
//   - does not take a handle table that it did not ask for.
//
// What keeps an attacker out is a set of values, the Defences, each in a file of its own and
// each asked at one place on the path of a message. Replacing one of them makes a registrar
// with exactly that weakness, which is how the harness proves that its checks can fail.
package registrar
