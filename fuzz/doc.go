// SPDX-License-Identifier: Apache-2.0

// Package fuzz holds the fuzz targets of what takes input from others.
//
// A target is a function FuzzX(data []byte) int, as github.com/dvyukov/go-fuzz wants it: it
// panics when the input shows a fault, returns 1 when the input got far and is worth keeping,
// and 0 otherwise. The same bodies run under three engines, see the scripts beside this file,
// and under plain "go test", which replays the inputs of directory corpus.
//
// A target compares what it calls with an independent expectation: a model, a second way to
// the same result, or a property of the protocol. Each has the thing under test as a parameter
// of its body, so that its test can plant a bug and show that the target finds it.
package fuzz
