// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Query is one request on its way through the defences.
type Query struct {
	Now       time.Time
	Origin    *Origin
	Principal *Principal
	Message   wire.Message

	// Filled in for requests about one element.
	Handle   []byte
	ID       wire.PEID
	Element  *wire.PoolElement    // what a registration asks for; nil otherwise
	Existing *handlespace.Element // the element as registered now; nil when there is none
}

// Refusal says why a request is refused. It is an error with the cause that the sender is told.
type Refusal struct {
	Defence string         // name of the defence that refused
	Cause   wire.CauseCode // RFC 5354 section 3.12
	Reason  string
}

// Error returns the reason with the defence that gave it.
func (r *Refusal) Error() string { return r.Defence + ": " + r.Reason }

func refuse(defence, format string, args ...any) *Refusal {
	return &Refusal{Defence: defence, Cause: wire.CauseSecurity, Reason: fmt.Sprintf(format, args...)}
}

// Defence judges one aspect of a request. Refuse returns nil to let it through.
// It is called with the registrar's lock held: it must not block or call back.
type Defence interface {
	Refuse(q *Query) *Refusal
}

// DefenceFunc makes a function a Defence.
type DefenceFunc func(q *Query) *Refusal

// Refuse calls f.
func (f DefenceFunc) Refuse(q *Query) *Refusal { return f(q) }

// Admission decides who speaks over an association, once, when it has been set up.
type Admission interface {
	Admit(o *Origin, keys Keyring) Principal
}

// AdmissionFunc makes a function an Admission.
type AdmissionFunc func(o *Origin, keys Keyring) Principal

// Admit calls f.
func (f AdmissionFunc) Admit(o *Origin, keys Keyring) Principal { return f(o, keys) }

// Defences is everything that stands between a message and the state of the registrar.
// They are asked in the order of the fields; the first refusal counts.
type Defences struct {
	Admission  Admission // draft 2.1, 2.2, 2.5, 2.15: who is it, and did it come securely?
	Permission Defence   // draft 2.4, 2.5, 2.6: may its role send this message?
	Rate       Defence   // draft 2.2, 2.13: within its rate?
	Pool       Defence   // draft 2.4: authorised for this pool?
	Owner      Defence   // draft 2.3: does it act for itself?
	Address    Defence   // draft 2.3: are the addresses its own?
}

// NewDefences returns all defences in force. Each call makes a set with counters of its own.
func NewDefences() Defences {
	return Defences{
		Admission:  AdmissionFunc(admit),
		Permission: DefenceFunc(permit),
		Rate:       NewRate(DefaultRates()),
		Pool:       DefenceFunc(poolAuthorised),
		Owner:      DefenceFunc(ownsElement),
		Address:    DefenceFunc(addressIsOwn),
	}
}

// Refuse asks the defences in their order.
func (d *Defences) Refuse(q *Query) *Refusal {
	for _, defence := range [...]Defence{d.Permission, d.Rate, d.Pool, d.Owner, d.Address} {
		if r := defence.Refuse(q); r != nil {
			return r
		}
	}
	return nil
}
