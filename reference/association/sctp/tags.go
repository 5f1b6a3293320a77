// SPDX-License-Identifier: Apache-2.0

package sctp

// tags are the verification tags of one association. Guarded by Endpoint.mu.
type tags struct {
	// own is the tag we gave to the peer. candidate is that of a later INIT ACK,
	// which counts once the peer uses it for more than a COOKIE ECHO: it has
	// restarted (RFC 9260 section 5.2.4).
	own, candidate uint32
	// peer is the tag the peer gave to us.
	peer uint32
}

// all returns our tags.
func (t *tags) all() []uint32 {
	all := make([]uint32, 0, 2)
	for _, tag := range []uint32{t.own, t.candidate} {
		if tag != 0 {
			all = append(all, tag)
		}
	}
	return all
}

// sent learns from a packet of the engine; it returns a tag of ours that no
// longer counts and one that does from now on, 0 for none.
func (t *tags) sent(p []byte) (gone, added uint32) {
	if !isInit(p) {
		if p[headerLen] != chunkAbort || p[headerLen+1]&flagReflected == 0 {
			t.peer = verificationTag(p)
		}
		return 0, 0
	}
	switch tag := initTag(p); {
	case tag == t.own || tag == t.candidate:
		return 0, 0
	case t.own == 0:
		t.own = tag
		return 0, tag
	default:
		gone, t.candidate = t.candidate, tag
		return gone, tag
	}
}

// valid reports whether a received packet belongs to the association (RFC 9260
// section 8.5); the engine does not look. gone is a tag that no longer counts.
func (t *tags) valid(p []byte) (ok bool, gone uint32) {
	tag := verificationTag(p)
	switch first := p[headerLen]; {
	case first == chunkInit:
		return tag == 0, 0
	case (first == chunkAbort || first == chunkShutdownComplete) && p[headerLen+1]&flagReflected != 0:
		return tag == t.peer && t.peer != 0, 0
	case tag == t.own && tag != 0:
		return true, 0
	case tag == t.candidate && tag != 0:
		if first != chunkCookieEcho {
			gone, t.own, t.candidate = t.own, t.candidate, 0
		}
		return true, gone
	}
	return false, 0
}
