// SPDX-License-Identifier: Apache-2.0

// Package proof shows that the checks can fail: the reference meets every requirement, and
// each fault violates exactly what it says. Matrix is the claim, Prove is what holds it
// against what happens; the tests of this package run it, and `rspthreat prove` does.
package proof
