// SPDX-License-Identifier: Apache-2.0

// Package group has only tests: three registrars, as the processes that an administrator runs,
// and a thousand elements, each host in a network namespace of its own. The network between
// them is cut, loses packets, and registrars are killed and started again; afterwards all
// handlespaces have to be the same, with every element that lives. `make group` runs them, as
// root.
package group
