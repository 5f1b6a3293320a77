// SPDX-License-Identifier: Apache-2.0

// Package wire is the codec of the Aggregate Server Access Protocol (ASAP,
// RFC 5352) and the Endpoint Handlespace Redundancy Protocol (ENRP, RFC 5353)
// with the parameters of RFC 5354 and the pool policies of RFC 5356.
//
// The decoder refuses with a [DecodeError] that names offset, element and
// value; it never panics and never allocates more than the input justifies.
// The encoder validates: it returns an [EncodeError] rather than build an
// illegal message. Whoever needs illegal messages builds them with [Raw].
//
// The zero [Options] are the strict reading of the RFCs. Where the RFCs leave
// room or contradict each other, or where rsplib, the most used
// implementation, does something else, a documented field of [Options] chooses.
package wire
