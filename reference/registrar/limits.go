// SPDX-License-Identifier: Apache-2.0

package registrar

// Limits bound what the registrar spends on others. Each says what is answered beyond it.
// The zero value is DefaultLimits; otherwise fields that are new to a caller may be zero:
// those below MaxLife get their default then.
type Limits struct {
	MaxSessions   int   // associations at once; the next one is told cause 6, lack of resources, and ended
	MaxPerAddress int   // associations at once from one address; as above
	SendQueue     int   // messages waiting for one association; a node that does not read is aborted
	MaxResolution int   // elements in one resolution response, a message of at most 64 KiB; the others are left out
	TableBytes    int   // bytes of pool entries in one handle table response; rsplib reads at most 1400. The rest follows (M flag)
	MaxPools      int   // pools in the handlespace; cause 6, lack of resources
	MaxElements   int   // elements in the handlespace; cause 6, lack of resources
	MaxPerOwner   int   // elements registered by one identity; cause 6, lack of resources
	MaxLife       int32 // longest registration life granted, in seconds, silently; -1 allows infinite

	MaxPeers         int // peers in the list, and addresses that are dialed; cause 6 in an ENRP_ERROR
	MaxTableSessions int // handle table downloads under way at once; rejected with the R flag
	MaxTablePages    int // pages of a download from a peer; it is given up
	JoinRounds       int // times that all mentors are tried at the start, before the registrar serves alone
	Claims           int // elements' hosts that are dialed at once in a takeover; the others wait
	MaxContested     int // claims of peers to the elements of others that are remembered; later ones are not
	MaxSubscriptions int // pools that one association may subscribe to; A flag 0
	TurnedAway       int // associations that are told at once that there is no room for them; others are aborted
	MaxAnnounced     int // servers heard by announcements that are counted; more do not slow our own down
}

// DefaultLimits returns limits for a registrar with tens of thousands of elements. The limits of
// one message are those of wire.Options; what is above them is answered with cause 6 as well.
func DefaultLimits() Limits {
	return Limits{
		// Twice the elements that the benchmarks hold, if each has an association of its own.
		MaxSessions: 20_000,
		// A host of containers; an address that takes more keeps a tenth for itself at most.
		MaxPerAddress: 2_000,
		// A burst of updates for all elements of a host, at some hundred bytes each.
		SendQueue: 1024,
		// About what fits into 64 KiB with one IPv4 address each, and more than a user tries.
		MaxResolution: 500,
		// An IPv6 packet of 1,500 bytes after IP, UDP, SCTP, TLS and ENRP headers.
		TableBytes: 1300,
		// Some hundred bytes each, so that a full handlespace fits into a gigabyte.
		MaxPools: 100_000, MaxElements: 1_000_000,
		// One of a hundred identities must not take all.
		MaxPerOwner: 10_000,
		MaxLife:     -1,

		// ENRP is a full mesh: each registrar speaks with all.
		MaxPeers: 64,
		// A download is a burst of pages; peers that start together come one after the other.
		MaxTableSessions: 8,
		// MaxElements in pages of ten elements.
		MaxTablePages: 100_000,
		// With MentorRetry some ten seconds, after which the audit makes up for the download.
		JoinRounds: 3,
		// Handshakes at once; with a round trip each, some thousand hosts a minute.
		Claims: 16,
		// All elements of a registrar of usual size.
		MaxContested: 10_000,
		// Pools that one application works with.
		MaxSubscriptions: 64,
		// For a second each; the others see an ABORT, which says the same.
		TurnedAway: 16,
		// Above it the interval is half a minute already.
		MaxAnnounced: 32,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l == (Limits{}) {
		return d
	}
	for _, f := range []struct{ value, byDefault *int }{
		{&l.MaxPeers, &d.MaxPeers},
		{&l.MaxTableSessions, &d.MaxTableSessions},
		{&l.MaxTablePages, &d.MaxTablePages},
		{&l.JoinRounds, &d.JoinRounds},
		{&l.Claims, &d.Claims},
		{&l.MaxContested, &d.MaxContested},
		{&l.MaxSubscriptions, &d.MaxSubscriptions},
		{&l.TurnedAway, &d.TurnedAway},
		{&l.MaxAnnounced, &d.MaxAnnounced},
	} {
		if *f.value == 0 {
			*f.value = *f.byDefault
		}
	}
	return l
}
