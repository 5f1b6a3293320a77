// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"io"
	"os"
)

// tail returns the lines of a log file behind offset, the last maxLogBytes of them. A file
// that has become shorter was truncated or replaced and is read from its beginning. What
// cannot be read is said in a line: a missing log must not spoil a verdict.
func tail(path string, offset int64) []string {
	f, err := os.Open(path)
	if err != nil {
		return []string{"(log not readable: " + err.Error() + ")"}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return []string{"(log not readable: " + err.Error() + ")"}
	}
	if info.Size() < offset {
		offset = 0
	}
	if info.Size()-offset > maxLogBytes {
		offset = info.Size() - maxLogBytes
	}
	b, err := io.ReadAll(io.NewSectionReader(f, offset, maxLogBytes))
	if err != nil {
		return []string{"(log not readable: " + err.Error() + ")"}
	}
	buffer := &lineBuffer{b: b}
	return buffer.lines()
}
