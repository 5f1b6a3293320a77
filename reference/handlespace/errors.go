// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Errors of a [Space], wrapped with the values they are about. The causes are
// those of RFC 5354 section 3.12.
var (
	// ErrUnknownPool means that there is no pool of that handle (cause 9).
	ErrUnknownPool = errors.New("unknown pool handle")
	// ErrPolicyMismatch is what a [*PolicyMismatchError] wraps (cause 5).
	ErrPolicyMismatch = errors.New("inconsistent pool policy")
	// ErrTransportMismatch is what a [*TransportMismatchError] wraps (cause 7).
	ErrTransportMismatch = errors.New("inconsistent transport type")
	// ErrUseMismatch means another transport use than the pool's (cause 8).
	ErrUseMismatch = errors.New("inconsistent data/control configuration")
	// ErrFull means that a limit of [Options] is reached (cause 6).
	ErrFull = errors.New("handlespace is full")
	// ErrInvalid means values that no element may have: an empty pool handle, a
	// registration life below -1, no user transport, a reserved policy type, or
	// a size that fits no message (cause 3).
	ErrInvalid = errors.New("invalid registration")
)

// PolicyMismatchError says that an element's policy type is not the pool's.
type PolicyMismatchError struct {
	// Pool is the policy of the pool's first element, without the Data of a
	// policy that RFC 5356 does not define.
	Pool wire.Policy
	// Got is the type that was refused.
	Got wire.PolicyType
}

// Error returns both policy types.
func (e *PolicyMismatchError) Error() string {
	return fmt.Sprintf("%v: %v, the pool's is %v", ErrPolicyMismatch, e.Got, e.Pool.Type)
}

// Unwrap returns ErrPolicyMismatch.
func (e *PolicyMismatchError) Unwrap() error { return ErrPolicyMismatch }

// TransportMismatchError says that an element's user transport is of another
// protocol than the pool's.
type TransportMismatchError struct {
	// Pool is the user transport of the pool's first element.
	Pool wire.Transport
	// Got is the protocol that was refused.
	Got wire.TransportKind
}

// Error returns both protocols.
func (e *TransportMismatchError) Error() string {
	return fmt.Sprintf("%v: %v, the pool's is %v", ErrTransportMismatch, e.Got, e.Pool.Kind)
}

// Unwrap returns ErrTransportMismatch.
func (e *TransportMismatchError) Unwrap() error { return ErrTransportMismatch }
