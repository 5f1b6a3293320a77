// SPDX-License-Identifier: Apache-2.0

//go:build !race

package campaign_test

// every is the share of the cases in which nothing may be found: all of them.
const every = 1
