// SPDX-License-Identifier: Apache-2.0

// Package sut is how the harness reaches a system under test: the configuration that
// describes it, a Target that prepares an Instance of it for each check, and the embedded
// reference with its Faults, each of which takes one defence away.
package sut
