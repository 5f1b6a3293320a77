// SPDX-License-Identifier: Apache-2.0

// Package pooluser is an RSerPool pool user (PU) as a library: it finds a
// registrar that it can authenticate, resolves pool handles, selects pool
// elements, and holds sessions that fail over from one element to the next.
//
// A [User] keeps at most one home registrar. Resolve asks it, through a cache;
// Open gives a [Session] with one element of the pool.
//
// # Defences
//
// Everything that stands between a stranger and the application is a value in
// [Defences], asked at one place: certificate checks and admission of a
// registrar (draft-ietf-rserpool-threats-15, sections 2.7 and 2.12), notice and
// strength of a failover (2.9), the number of unreachable reports (2.13), the
// way of cookies (2.16).
//
// # Decisions
//
// Where the RFCs leave room or contradict each other:
//
//   - RFC 5352 section 9.2 says that a PU MUST authenticate registrars, the draft
//     says SHOULD. It does, unless the whole PU is told to work in clear.
//   - A registrar is authenticated during the set-up of the association, before
//     it counts as established in the server hunt. One that fails is a failed
//     establishment (SH4): the hunt goes on with the next, and no ASAP message is
//     exchanged with it.
//   - Announcements name candidates and prove nothing. They are bounded in number
//     and by source, and an announced registrar must show a certificate for its
//     address or for Announce.Name.
//   - A stale cache entry makes the caller wait for a fresh one (C3 allows both).
//   - A selection is made among all elements of the last response with package
//     policy, weighted where the policy has weights: RFC 5352 section 3.3 wants
//     the response to list the whole pool, so the registrar has not weighted
//     already. Under least used with degradation the registrar's order comes
//     first, and our own counter after that (see entry.add).
//   - Control and data share one association (package channel). On TCP that is
//     always so, whatever Transport Use says; on SCTP control messages are sent
//     when the element registered "data plus control".
//   - An element that ends the association gracefully is left by failover, but not
//     reported: it is not unreachable. Nor is one that cannot authenticate itself.
//   - A business card sets the order of failover among the elements that the
//     registrar lists. It cannot add elements or change addresses.
package pooluser
