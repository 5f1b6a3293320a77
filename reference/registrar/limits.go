// SPDX-License-Identifier: Apache-2.0

package registrar

// Limits bound what the registrar spends on others. Each says what is answered beyond it.
// The zero value is DefaultLimits; otherwise fields that are new to a caller may be zero:
// those below MaxLife get their default then.
type Limits struct {
	MaxSessions   int   // associations at once; the next one is aborted
	MaxPerAddress int   // associations at once from one address; the next one is aborted
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
	MaxAnnounced     int // servers heard by announcements that are counted; more do not slow our own down
}

// DefaultLimits returns limits for a registrar with tens of thousands of elements.
func DefaultLimits() Limits {
	return Limits{
		MaxSessions: 20_000, MaxPerAddress: 2_000, SendQueue: 1024,
		MaxResolution: 500, TableBytes: 1300,
		MaxPools: 100_000, MaxElements: 1_000_000, MaxPerOwner: 10_000, MaxLife: -1,
		MaxPeers: 64, MaxTableSessions: 8, MaxTablePages: 100_000, JoinRounds: 3,
		Claims: 16, MaxContested: 10_000, MaxSubscriptions: 64, MaxAnnounced: 32,
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
		{&l.MaxAnnounced, &d.MaxAnnounced},
	} {
		if *f.value == 0 {
			*f.value = *f.byDefault
		}
	}
	return l
}
