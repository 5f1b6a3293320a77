// SPDX-License-Identifier: Apache-2.0

package pooluser

import "time"

// ReportRate is a token bucket: Burst reports at once, then PerSecond.
type ReportRate struct {
	PerSecond float64
	Burst     float64
}

// DefaultReportRate stays below what a registrar takes from one pool user (this
// project's grants 5 a second, 20 at once). Ten at once is a rack of elements that
// lose power together; a PU that sees more has lost its own network.
func DefaultReportRate() ReportRate { return ReportRate{PerSecond: 1, Burst: 10} }

// Rate limits all reports of a pool user together (draft section 2.13; RFC 5352
// section 9.2 demands the limit and names no number). A report above the rate is
// dropped, not kept: the registrar has its own keep-alives.
type Rate struct {
	rate   ReportRate
	tokens float64
	seen   time.Time
}

// NewRate returns the defence with a full bucket.
func NewRate(r ReportRate) *Rate { return &Rate{rate: r, tokens: r.Burst} }

// Allow implements ReportFilter and takes a token.
func (r *Rate) Allow(e *Event) bool {
	if !r.seen.IsZero() {
		r.tokens = min(r.rate.Burst, r.tokens+r.rate.PerSecond*e.Now.Sub(r.seen).Seconds())
	}
	r.seen = e.Now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}
