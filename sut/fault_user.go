// SPDX-License-Identifier: Apache-2.0

package sut

// userFaults take defences out of the reference pool user.
func userFaults() []Fault { return nil }
