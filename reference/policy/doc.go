// SPDX-License-Identifier: Apache-2.0

// Package policy selects pool elements by the pool member selection policies
// of RFC 5356.
//
// A [Selector] knows the elements of one pool by small numbers that the caller
// hands out ([Ref]) and keeps only what its policy needs in flat arrays, so
// that a selection touches little memory and allocates none. [New] makes the
// Selector for a policy type.
//
// # Decisions
//
// RFC 5356 leaves these open:
//
//   - An unknown policy type is served round robin. Round robin is the default
//     and the one policy that everyone has (RFC 5356 section 4.1.1, RFC 5352
//     section 2.2.6); refusing the pool would be a service lost for nothing.
//   - Elements of weight 0, and under randomized least used elements of load
//     100 %, are "not capable of providing any service" (section 3.2). They are
//     selected only while the pool has nothing else, so that a pool user is
//     never sent to them needlessly and a pool with elements never looks empty.
//   - A selection of several elements advances round robin by one element, or
//     one occurrence under weighted round robin (section 4.1.2), however many
//     were returned. Among equals of the other policies round robin means the
//     same: of each group of equals in the answer only the first goes to the
//     end of its group.
package policy
