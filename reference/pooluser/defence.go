// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Authentication decides whether a registrar must be authenticated, and whether
// it has been.
type Authentication interface {
	// Required tells whether the association with s is set up under TLS.
	Required(s Server, mode Mode) bool
	// Admit judges an established association. An error ends it before any
	// message is exchanged, and the hunt goes on with the next registrar.
	Admit(s Server, mode Mode, info association.Info) error
}

// Event is a reason to report an element as unreachable (RFC 5352 section 3.5).
type Event struct {
	Now         time.Time
	Handle      string
	ID          wire.PEID
	Application bool // the application says so (Transport.Failure); otherwise we have seen it
	Requested   bool // the application has asked to send data to this element before
}

// ReportFilter decides whether a report may be made. It is called with the lock
// of the user held: it must not block or call back.
type ReportFilter interface {
	Allow(e *Event) bool
}

// ReportFilterFunc makes a function a ReportFilter.
type ReportFilterFunc func(e *Event) bool

// Allow calls f.
func (f ReportFilterFunc) Allow(e *Event) bool { return f(e) }

// ReportCount decides how many messages one event is worth. It is called like a
// ReportFilter.
type ReportCount interface {
	Messages(e *Event) int
	// Reached tells that the element has been reached: what follows is a new event.
	Reached(handle string, id wire.PEID)
}

// Notice tells the application of a failover (draft section 2.9). deliver hands
// the notice over; its error means that the application does not want the
// element. Notify returns before the first octet goes to that element.
type Notice interface {
	Notify(ctx context.Context, f Failover, deliver func(context.Context, Failover) error) error
}

// NoticeFunc makes a function a Notice.
type NoticeFunc func(ctx context.Context, f Failover, deliver func(context.Context, Failover) error) error

// Notify calls n.
func (n NoticeFunc) Notify(ctx context.Context, f Failover, deliver func(context.Context, Failover) error) error {
	return n(ctx, f, deliver)
}

// Strength compares the security of a session before and after a failover
// (draft section 2.9).
type Strength interface {
	// Permit returns an error, which is ErrWeaker, when to is weaker than from.
	Permit(from, to SecurityContext) error
}

// StrengthFunc makes a function a Strength.
type StrengthFunc func(from, to SecurityContext) error

// Permit calls f.
func (f StrengthFunc) Permit(from, to SecurityContext) error { return f(from, to) }

// CookiePath decides on which channel a cookie is echoed (draft section 2.16).
// data is the session's channel; open sets up another one with the same element.
// A channel other than data is closed after the echo.
type CookiePath interface {
	Channel(ctx context.Context, data *channel.Channel, open func(ctx context.Context, secured bool) (*channel.Channel, error)) (*channel.Channel, error)
}

// CookiePathFunc makes a function a CookiePath.
type CookiePathFunc func(ctx context.Context, data *channel.Channel, open func(ctx context.Context, secured bool) (*channel.Channel, error)) (*channel.Channel, error)

// Channel calls f.
func (f CookiePathFunc) Channel(ctx context.Context, data *channel.Channel, open func(ctx context.Context, secured bool) (*channel.Channel, error)) (*channel.Channel, error) {
	return f(ctx, data, open)
}

// PolicyJudge decides whether an element is shown as it signed. It returns nil if it is or
// need not be, or else the finding; who showed what is filled in by the caller.
type PolicyJudge interface {
	Judge(q *PolicyQuery) *PolicyEvidence
}

// PolicyJudgeFunc makes a function a PolicyJudge.
type PolicyJudgeFunc func(q *PolicyQuery) *PolicyEvidence

// Judge calls f.
func (f PolicyJudgeFunc) Judge(q *PolicyQuery) *PolicyEvidence { return f(q) }

// Defences is everything that protects the application and the registrars from
// strangers, and the registrars from us. A field may be replaced, for faults.
type Defences struct {
	Certificate    CertificateChecks // draft 2.7: what of a registrar's certificate is checked
	Authentication Authentication    // draft 2.7, 2.12: only an authenticated registrar is asked
	Announcement   Announcement      // draft 2.12: an announcement proves nothing, a flood displaces nobody
	Requested      ReportFilter      // draft 2.13: only elements that the application wanted to reach
	Once           ReportCount       // draft 2.13: one report an event
	Rate           ReportFilter      // draft 2.13: a limit on all reports
	Notice         Notice            // draft 2.9: the application is told of a failover first
	Strength       Strength          // draft 2.9: the next element is no less secure
	Cookie         CookiePath        // draft 2.16: the cookie goes where the data goes
	Policy         PolicyJudge       // draft 2.17: the element is shown as it signed
}

// NewDefences returns all defences in force. Each call makes a set with counters
// of its own.
func NewDefences() Defences {
	return Defences{
		Certificate:    AllCertificateChecks,
		Authentication: authenticated{},
		Announcement:   AnnouncementFunc(spareTheOld),
		Requested:      ReportFilterFunc(wasRequested),
		Once:           NewOnce(DefaultReportHold),
		Rate:           NewRate(DefaultReportRate()),
		Notice:         NoticeFunc(notifyFirst),
		Strength:       StrengthFunc(noWeaker),
		Cookie:         CookiePathFunc(multiplexed),
		Policy:         PolicyJudgeFunc(asSigned),
	}
}
