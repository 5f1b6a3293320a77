// SPDX-License-Identifier: Apache-2.0

//go:build !interop

package guest_test

import "context"

// Without guests there is nothing to prepare.
func prepare(context.Context) error { return nil }

func cleanUp() error { return nil }
