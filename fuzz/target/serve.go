// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"io"
	"time"

	"github.com/rspthreat/rspthreat/sut"
)

// serveEnd bounds the end of an instance whose fuzzer does not wait for it.
const serveEnd = 2 * time.Second

// Serve is the life of a Child that is an embedded reference: it says on w how it is reached and
// ends with r.
func Serve(ctx context.Context, e *sut.Embedded, r io.Reader, w io.Writer) error {
	i, err := e.Prepare(ctx, sut.Wanted{Security: sut.Secured})
	if err != nil {
		return err
	}
	if err := Describe(w, i, e.Authority()); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, r) // its end is all that it says
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), serveEnd)
	defer cancel()
	return i.Close(ctx)
}
