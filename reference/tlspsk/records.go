// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
)

// errCutOff tells crypto/tls of the end of the transport: it takes a plain
// io.EOF between two records for an orderly end.
var errCutOff = fmt.Errorf("tlspsk: transport ended without close_notify: %w", io.ErrUnexpectedEOF)

// recordConn lies between crypto/tls and the transport. It makes one message of
// each record, reads whole messages, and sees the alerts that leave in clear.
type recordConn struct {
	net.Conn
	messages bool
	in       []byte // read, but not yet taken by crypto/tls
	room     []byte // where messages are read to
	alert    atomic.Int32
}

// Read implements net.Conn.
func (r *recordConn) Read(p []byte) (int, error) {
	if len(r.in) == 0 && r.messages {
		if r.room == nil {
			r.room = make([]byte, maxRecord)
		}
		n, err := r.Conn.Read(r.room)
		r.in = r.room[:n]
		if n == 0 {
			return 0, cutOff(err)
		}
	}
	if len(r.in) > 0 {
		n := copy(p, r.in)
		if r.in = r.in[n:]; len(r.in) == 0 {
			r.in = nil // what was read before the choice of the engine need not stay
		}
		return n, nil
	}
	n, err := r.Conn.Read(p)
	return n, cutOff(err)
}

// Write implements net.Conn. crypto/tls always writes whole records.
func (r *recordConn) Write(p []byte) (int, error) {
	for b := p; len(b) > 0; {
		n := min(len(b), recordLen(b))
		if b[0] == recordAlert && n == recordHeader+2 {
			r.alert.Store(int32(b[n-1]))
		}
		b = b[n:]
	}
	if err := sendRecords(r.Conn, p, r.messages); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sentAlert names the last alert sent in clear, "" if there was none.
func (r *recordConn) sentAlert() string {
	if a := r.alert.Load(); a != 0 {
		return alert(a).String()
	}
	return ""
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return errCutOff
	}
	return err
}
