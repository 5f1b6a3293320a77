// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is the tests, or the adapter of the reference that the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "adapter" {
		if err := serveReference(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(adapterExitInternal)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func serveReference() error {
	reference, err := NewEmbedded()
	if err != nil {
		return err
	}
	server := AdapterServer{Driver: reference, Name: "reference", Roles: []Role{PoolElement, PoolUser}}
	return server.Serve(context.Background(), os.Stdin, os.Stdout)
}
