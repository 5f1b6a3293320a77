// SPDX-License-Identifier: Apache-2.0

// Package browser holds the tests of the HTML report in a real browser: Chromium, driven over its DevTools protocol. They
// make the screenshots of the README as well (make screenshots).
package browser
