// SPDX-License-Identifier: Apache-2.0

//go:build race

package campaign_test

// every is the share of the cases in which nothing may be found: with the race detector they take some
// ten times as long, and it is the campaign's own races that are of interest then.
const every = 6
