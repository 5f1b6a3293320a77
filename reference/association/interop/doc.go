// SPDX-License-Identifier: Apache-2.0

// Package interop tries association.SCTPKernel with a real kernel, that of the
// user-mode-linux guest: between two sockets of the guest, by the tests of package
// association, and between the guest and SCTP in user space on this side. Its
// tests have the build tag interop, need root, and fetch Debian packages: run them
// with `make interop`.
package interop
