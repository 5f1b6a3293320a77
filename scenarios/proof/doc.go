// SPDX-License-Identifier: Apache-2.0

// Package proof holds the tests that prove the checks: the reference meets every
// requirement, each fault violates exactly what it says, ledger and checks cover each other,
// and every run gives the same verdicts. They stand apart from the ginkgo suite, which
// would run them in each of its processes.
package proof
