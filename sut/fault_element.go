// SPDX-License-Identifier: Apache-2.0

package sut

// elementFaults take defences out of the reference pool element.
func elementFaults() []Fault { return nil }
