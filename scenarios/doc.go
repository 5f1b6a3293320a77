// SPDX-License-Identifier: Apache-2.0

// Package scenarios judges a system under test against draft-ietf-rserpool-threats-15: one
// file for each threat section, each with its checks. Describe puts them into a ginkgo
// suite; the rspthreat command runs the same checks through the same engine.
package scenarios
