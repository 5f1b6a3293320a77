// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"fmt"
	"io"
	"sync"
)

// keyLog serialises the lines of all connections of a Config, from both engines.
type keyLog struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes one line. It recovers from a panicking writer, because OpenSSL's
// frames are below.
func (l *keyLog) Write(line []byte) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: writer panicked: %v", ErrKeyLog, v)
		}
	}()
	if n, err = l.w.Write(line); err != nil {
		err = fmt.Errorf("%w: %w", ErrKeyLog, err)
	}
	return n, err
}

// connLog is the key log of one connection; crypto/tls reports only the text of
// an error of its writer.
type connLog struct {
	*keyLog
	err error
}

// Write implements io.Writer.
func (l *connLog) Write(line []byte) (int, error) {
	n, err := l.keyLog.Write(line)
	if err != nil {
		l.err = err
	}
	return n, err
}
