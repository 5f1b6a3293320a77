// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// maxFrame is more than any Ethernet frame that a device with the default MTU of 1500 carries.
const maxFrame = 4096

// link carries frames between the tap device and the guest. The guest could read the device itself, but a tap sends
// SIGIO before it marks itself readable, the opposite of a socket, and a user-mode Linux that is quick enough then finds
// nothing to read: the frame stays until the next one comes, seconds later.
type link struct {
	tap   *os.File
	guest net.Conn // a message is a frame
	tasks sync.WaitGroup
}

func newLink(tap *os.File, guest net.Conn) *link {
	l := &link{tap: tap, guest: guest}
	l.tasks.Go(func() { carry(guest, tap) })
	l.tasks.Go(func() { carry(tap, guest) })
	return l
}

// close removes the device.
func (l *link) close() error {
	err := errors.Join(l.tap.Close(), l.guest.Close())
	l.tasks.Wait()
	return err
}

// carry writes each frame that it reads, until from ends or is closed. A frame that cannot be written is lost, as on a
// wire: the other side may not be up yet, or any more.
func carry(to io.Writer, from io.Reader) {
	frame := make([]byte, maxFrame)
	for {
		n, err := from.Read(frame)
		if err != nil {
			return
		}
		_, _ = to.Write(frame[:n])
	}
}
