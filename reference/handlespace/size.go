// SPDX-License-Identifier: Apache-2.0

package handlespace

import "github.com/rspthreat/rspthreat/reference/wire"

// Sizes on the wire in bytes (RFC 5354 section 3).
const (
	ipv4Size          = 8
	ipv6Size          = 20
	transportFixed    = 8  // header, port, and use or reserved; without addresses
	dccpFixed         = 12 // the same with service code
	elementFixed      = 16 // header, identifier, home, life
	policyFixed       = 8  // header, type
	tableHeader       = 12 // of an ENRP_HANDLE_TABLE_RESPONSE (RFC 5353 section 2.3)
	updateHeader      = 16 // of an ENRP_HANDLE_UPDATE (RFC 5353 section 2.4)
	largestMultiple   = wire.MaxMessageLength &^ 3
	handleFixed       = wire.HeaderLength
	resolutionReserve = wire.HeaderLength + policyFixed + 8 // of an ASAP_HANDLE_RESOLUTION_RESPONSE with a policy of two values
)

// MaxPage is the most that the pool entries of one ENRP_HANDLE_TABLE_RESPONSE
// can take, in bytes.
const MaxPage = largestMultiple - tableHeader

// maxEntry is the most that one element with its pool handle may take, so that
// it fits into each message that must be able to carry it. Larger ones, if
// accepted, would stop handle table downloads for good.
const maxEntry = largestMultiple - max(updateHeader, resolutionReserve)

// EncodedSize returns the bytes that a Pool Element parameter takes in a message
// with its padding.
func EncodedSize(pe *wire.PoolElement) int {
	n := elementFixed + transportSize(&pe.User) + policySize(&pe.Policy)
	if pe.HasASAP {
		n += transportSize(&pe.ASAP)
	}
	if len(pe.SignedPolicy) > 0 {
		n += wire.HeaderLength + padded(len(pe.SignedPolicy))
	}
	return n
}

// handleSize is the size of a Pool Handle parameter.
func handleSize(n int) int { return handleFixed + padded(n) }

func transportSize(t *wire.Transport) int {
	n := transportFixed
	switch t.Kind {
	case wire.TransportOpaque:
		return wire.HeaderLength + padded(len(t.Opaque))
	case wire.TransportDCCP:
		n = dccpFixed
	}
	for _, a := range t.Addrs {
		if a.Is4() {
			n += ipv4Size
		} else {
			n += ipv6Size
		}
	}
	return n
}

func policySize(p *wire.Policy) int {
	switch p.Type {
	case wire.RoundRobin, wire.Random:
		return policyFixed
	case wire.WeightedRoundRobin, wire.WeightedRandom, wire.Priority, wire.LeastUsed, wire.RandomizedLeastUsed:
		return policyFixed + 4
	case wire.LeastUsedDegradation, wire.PriorityLeastUsed:
		return policyFixed + 8
	}
	return policyFixed + padded(len(p.Data))
}

// padded rounds up to a multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }
