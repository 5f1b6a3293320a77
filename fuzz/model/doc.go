// SPDX-License-Identifier: Apache-2.0

// Package model knows ASAP and ENRP as a pool element, a pool user and a peer registrar speak
// them with a registrar: state machines, honest messages that lead from state to state, and for
// each case of a campaign what is said in which state.
//
// A case is a function of the campaign's seed, the case's ID and the World, and of nothing else:
// neither of other cases nor of what the system under test answers. See ID and Planner.
package model
