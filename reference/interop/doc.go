// SPDX-License-Identifier: Apache-2.0

// Package interop lets the reference work with rsplib, the RSerPool implementation that Debian has, in the
// user-mode-linux guest of package guest: rsplib's pool elements and users at our registrar, ours at rspregistrar, and
// both kinds of registrars in one group, over raw SCTP between this side and the guest's kernel, and over kernel SCTP
// inside the guest. It has tests only. They have the build tag interop, need root, and fetch Debian packages: run them
// with `make interop`. RSPLIB.md says where rsplib departs from the RFCs, and which test fails without the option.
package interop
