// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"net"
)

// transport is what TLS and framing stand on. Reads and writes end with an error
// after abort and release, whoever called those.
type transport interface {
	net.Conn
	// describe says what the transport knows about the association.
	describe() Info
	// shutdown delivers what was written and says that no more will come. It may
	// return before the peer has done its part; the reader then sees that.
	shutdown(ctx context.Context) error
	// abort ends the transport at once.
	abort(reason string)
	// release ends what is left, gracefully if possible, and frees everything.
	release()
	// explain turns the error that ended reading into one of this package.
	explain(err error) error
}
