// SPDX-License-Identifier: Apache-2.0

package pooluser

// wasRequested lets the application report only elements to which it has asked to
// send data (RFC 5352 sections 3.5 and 6.9.2: MUST NOT). What we have seen
// ourselves needs no such proof.
func wasRequested(e *Event) bool { return !e.Application || e.Requested }
