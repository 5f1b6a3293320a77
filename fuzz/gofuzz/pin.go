// SPDX-License-Identifier: Apache-2.0

// Package gofuzz is a module of its own that pins github.com/dvyukov/go-fuzz: the instrumentation
// takes its libraries from the module it is started in, and the product's own go.mod stays
// free of them.
package gofuzz

import (
	_ "github.com/dvyukov/go-fuzz/go-fuzz-dep" // what instrumented code calls
	_ "github.com/rspthreat/rspthreat/fuzz"    // the targets
)
