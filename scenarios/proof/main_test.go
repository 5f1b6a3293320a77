// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks for what a check leaves behind, the goroutines of package scenarios among it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
