// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"io"
	"os"
	"strings"
)

// mark is a log file as it was at some time; nil: it was not there.
type mark = os.FileInfo

// markOf is the file at path as it is now.
func markOf(path string) mark {
	info, err := os.Stat(path)
	if path == "" || err != nil {
		return nil
	}
	return info
}

// tail returns the lines of a log file behind mark, the last maxLogBytes of them. A file that
// has become shorter, or is not the one that was marked, was truncated or replaced and is
// read from its beginning; without a mark it was not there. What cannot be read is said in
// a line: a missing log must not spoil a verdict.
func tail(path string, mark mark) []string {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return unreadable(err)
	}
	var offset int64
	if mark != nil && os.SameFile(mark, info) && mark.Size() <= info.Size() {
		offset = mark.Size()
	}
	buffer, err := last(f, offset)
	if err != nil {
		return unreadable(err)
	}
	return buffer.lines()
}

// last reads what is in f from offset to its end, the last maxLogBytes of it.
func last(f *os.File, offset int64) (*lineBuffer, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	buffer := &lineBuffer{}
	if info.Size()-offset > maxLogBytes {
		offset, buffer.dropped = info.Size()-maxLogBytes, true
	}
	buffer.b, err = io.ReadAll(io.NewSectionReader(f, offset, maxLogBytes))
	return buffer, err
}

// unreadableMark begins the line that stands for a log that cannot be read.
const unreadableMark = "(log not readable: "

func unreadable(err error) []string { return []string{unreadableMark + err.Error() + ")"} }

func unreadableLine(s string) bool { return strings.HasPrefix(s, unreadableMark) }
