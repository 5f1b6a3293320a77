// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"strings"
	"sync"
)

// maxLogBytes bounds the log that is kept of one instance: a check makes a few hundred
// lines, a system that logs without end must not fill the memory.
const maxLogBytes = 1 << 20

// lineBuffer keeps the last lines that were written to it.
type lineBuffer struct {
	mu      sync.Mutex
	b       []byte
	dropped bool
}

// Write appends p and drops the oldest bytes beyond maxLogBytes.
func (l *lineBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if over := len(l.b) - maxLogBytes; over > 0 {
		l.b = append(l.b[:0], l.b[over:]...)
		l.dropped = true
	}
	return len(p), nil
}

func (l *lineBuffer) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.b) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(l.b), "\n"), "\n")
	if l.dropped {
		lines[0] = "(earlier lines left out)"
	}
	return lines
}
