// SPDX-License-Identifier: Apache-2.0

// Package interop judges rsplib's rspregistrar, a registrar that nobody here wrote, in the
// user-mode-linux guest of package guest, and compares the verdicts with what reading the
// draft and rsplib says they must be. Its tests have the build tag interop, need root, and
// fetch Debian packages: run them with `make interop`.
package interop
