// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Role is whose part a caller plays.
type Role string

// The roles. A stranger is nobody at a secured system, or somebody at a door for others.
const (
	PE       Role = "pe"
	PU       Role = "pu"
	Peer     Role = "peer"
	Stranger Role = "stranger"
)

// Part is a caller and the role that it plays.
type Part struct {
	Role   Role
	Caller conversation.Caller
}

// World is what a plan knows of the system under test.
type World struct {
	Secured         bool
	IPv6            bool // it is reached by IPv6 only
	Pool, OtherPool string
	Wire            wire.Options
	Parts           []Part // those that the system lets in, in a fixed order
	// Corpus are messages to begin with beside those that the model makes.
	Corpus map[wire.Protocol][][]byte
}

// RoleOf returns the role that a caller plays at a system.
func RoleOf(secured bool, c conversation.Caller) Role {
	switch {
	case secured && !c.Secured, c.Transport == association.UDP:
		return Stranger
	case c.Protocol == wire.ENRP && (c.As == conversation.AsPeer || !secured):
		return Peer
	case c.Protocol == wire.ENRP, c.As == conversation.AsPeer:
		return Stranger
	case c.As == conversation.Certificate:
		return PU
	default:
		return PE
	}
}

// Shares of blocks, by role.
var shares = map[Role]int{PE: 4, PU: 2, Peer: 4, Stranger: 3}
