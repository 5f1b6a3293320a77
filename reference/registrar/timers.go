// SPDX-License-Identifier: Apache-2.0

package registrar

import "time"

// Timers are the protocol timers. RFC 5352 section 7.2 and RFC 5353 section 4.2 give names
// and, for some, values. A field that is zero gets its default.
type Timers struct {
	// KeepAlive is the mean time between keep-alives to one idle element; each one is
	// spread by plus/minus 50 percent (RFC 5352 section 3.5). The RFC gives no value; 30 s.
	KeepAlive time.Duration
	// KeepAliveTimeout is how long an element may take to acknowledge, and how long one
	// that lost its association may take to come back; 5 s, as MAX-TIME-NO-RESPONSE.
	KeepAliveTimeout time.Duration
	// KeepAliveSpacing is the least time between two keep-alives to one element, whatever
	// the reason (draft section 2.14); 1 s. Requests in between are served by one
	// keep-alive. It is also the least time between two questions to a peer whose element
	// another peer claims.
	KeepAliveSpacing time.Duration
	// TableSession is how long a peer may take between two requests of one handle table
	// download (RFC 5353 section 3.2.3, without a value); 5 s.
	TableSession time.Duration

	// PeerHeartbeat is PEER-HEARTBEAT-CYCLE (RFC 5353 section 4.2): the period of
	// ENRP_PRESENCE to all peers; 30 s.
	PeerHeartbeat time.Duration
	// MaxTimeLastHeard is MAX-TIME-LAST-HEARD (RFC 5353 section 4.2): a peer that is silent
	// for longer is asked for a sign of life; 61 s.
	MaxTimeLastHeard time.Duration
	// MaxTimeNoResponse is MAX-TIME-NO-RESPONSE (RFC 5353 section 4.2): how long an answer
	// of a peer may take, and an association to be set up; 5 s.
	MaxTimeNoResponse time.Duration
	// MentorRetry is the pause after all mentors rejected or did not answer, "a few
	// seconds" in RFC 5353 sections 3.2.2.2 and 3.2.3; 3 s.
	MentorRetry time.Duration
	// PeerRedial is the pause between two attempts to reach a peer. The RFC gives none; 5 s,
	// so that a peer that was restarted is reached long before it would be taken over.
	PeerRedial time.Duration
	// ClaimSpacing is the time between two keep-alives with H=1 of a takeover, which spreads
	// them over all the elements (draft section 2.14); 5 ms.
	ClaimSpacing time.Duration

	// SubscriptionSpacing is the least time between two updates about one pool to its
	// subscribers (RFC 5352 section 2.2.5); 200 ms. Changes in between go into one update.
	SubscriptionSpacing time.Duration
	// ServerAnnounce is T6-Serverannounce (RFC 5352 section 7.2); 1 s.
	ServerAnnounce time.Duration
	// ServerOutdate is T7-ENRPoutdate (RFC 5352 section 7.2): how long a server counts that
	// is no longer announced; 5 s. It is taken times the number of servers, since each of N
	// announces itself only every N times T6.
	ServerOutdate time.Duration
}

// DefaultTimers returns the timers of a registrar in service.
func DefaultTimers() Timers {
	return Timers{
		KeepAlive:        30 * time.Second,
		KeepAliveTimeout: 5 * time.Second,
		KeepAliveSpacing: time.Second,
		TableSession:     5 * time.Second,

		PeerHeartbeat:     30 * time.Second,
		MaxTimeLastHeard:  61 * time.Second,
		MaxTimeNoResponse: 5 * time.Second,
		MentorRetry:       3 * time.Second,
		PeerRedial:        5 * time.Second,
		ClaimSpacing:      5 * time.Millisecond,

		SubscriptionSpacing: 200 * time.Millisecond,
		ServerAnnounce:      time.Second,
		ServerOutdate:       5 * time.Second,
	}
}

func (t Timers) withDefaults() Timers {
	d := DefaultTimers()
	for _, f := range []struct{ value, byDefault *time.Duration }{
		{&t.KeepAlive, &d.KeepAlive},
		{&t.KeepAliveTimeout, &d.KeepAliveTimeout},
		{&t.KeepAliveSpacing, &d.KeepAliveSpacing},
		{&t.TableSession, &d.TableSession},
		{&t.PeerHeartbeat, &d.PeerHeartbeat},
		{&t.MaxTimeLastHeard, &d.MaxTimeLastHeard},
		{&t.MaxTimeNoResponse, &d.MaxTimeNoResponse},
		{&t.MentorRetry, &d.MentorRetry},
		{&t.PeerRedial, &d.PeerRedial},
		{&t.ClaimSpacing, &d.ClaimSpacing},
		{&t.SubscriptionSpacing, &d.SubscriptionSpacing},
		{&t.ServerAnnounce, &d.ServerAnnounce},
		{&t.ServerOutdate, &d.ServerOutdate},
	} {
		if *f.value == 0 {
			*f.value = *f.byDefault
		}
	}
	return t
}
