// SPDX-License-Identifier: Apache-2.0

//go:build race

package plant_test

// every is the share of the planted bugs that is looked for: with the race detector a campaign takes
// some five times as long, and it is the campaign's races that are of interest then.
const every = 5
