// SPDX-License-Identifier: Apache-2.0

// Package campaign runs fuzzing cases against a system under test: many associations at once, many
// cases in one flight, honest nodes that look at what became of it, findings that are confirmed
// and minimised, and a journal from which an interrupted campaign goes on.
//
// A campaign goes in rounds. In a round lanes run blocks of cases side by side; after it the honest
// nodes look. What was answered in a way that was not seen before has variants run in the next
// round. Which cases a campaign runs depends on the answers only in so far; what a case says
// depends on the seed and its ID alone (package model).
package campaign
