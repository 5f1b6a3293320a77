// SPDX-License-Identifier: Apache-2.0

// Package handlespace holds the pools and pool elements that an ENRP server
// knows, its own and those of its peers: what RFC 5352 sections 3.1 to 3.3 and
// RFC 5353 sections 3.2.3, 3.3 and 3.6 ask of the data, and nothing of the
// messages. It does no I/O, starts no goroutines and reads no clock; the caller
// passes the time. A [Space] is not safe for concurrent use.
//
// # Cost
//
// Registration, re-registration, deregistration, expiry of one element and the
// checksum take constant or logarithmic time, growth amortised; a resolution as
// long as the pool's policy takes, see [policy.Selector]. What the network can
// make grow has a limit in [Options].
//
// Random access to a million elements takes several times as long as to a thousand all the
// same, because no cache holds them: of a [Space.Lookup] that grew by 0.7 µs, the search in
// the index took 0.2 µs and the first touch of the element, which lies somewhere in 300 MB,
// the rest. Smaller elements or a slab would not save that touch. It is well below one
// hundredth of what the registration or resolution costs on its way through an association.
//
// # Ownership of memory
//
// A Space copies what it is given. What it hands out shares its address lists
// and other slices, which the Space replaces and never writes to: callers may
// keep them as long as they like and must not write to them either.
//
// # Decisions
//
//   - The rules of consistency (RFC 5352 section 3.1) hold for every element,
//     also for those that peers announce: RFC 5353 section 3.3.1 has no such
//     test, but a pool of two policies cannot be served.
//   - The first element determines policy type, transport and transport use of
//     the pool until the last element leaves, even if it leaves before.
//   - The identity that registered an element stays its owner when a peer
//     announces a change, because ENRP carries no identities and an update must
//     not make an element free for all.
package handlespace
