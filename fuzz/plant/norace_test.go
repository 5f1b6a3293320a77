// SPDX-License-Identifier: Apache-2.0

//go:build !race

package plant_test

// every is the share of the planted bugs that is looked for: all of them.
const every = 1
