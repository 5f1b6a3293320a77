// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// ErrUnauthenticated: a registrar that has not shown who it is.
var ErrUnauthenticated = errors.New("pooluser: registrar is not authenticated")

// authenticated admits registrars that came over TLS and showed a certificate
// that was verified, or the pre-shared key (draft section 2.7). A pool user that
// works in clear admits everybody.
type authenticated struct{}

// Required implements Authentication: how a registrar was found makes no difference.
func (authenticated) Required(_ Server, mode Mode) bool { return mode != Clear }

// Admit implements Authentication.
func (authenticated) Admit(s Server, mode Mode, info association.Info) error {
	switch {
	case mode == Clear:
		return nil
	case !info.Secured:
		return fmt.Errorf("%w: %s is in clear", ErrUnauthenticated, s)
	case info.Identity.Kind == tlspsk.Anonymous:
		return fmt.Errorf("%w: %s is anonymous", ErrUnauthenticated, s)
	}
	return nil
}
