// SPDX-License-Identifier: Apache-2.0

package conversation

import (
	"fmt"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Credential is by what an association shows who it is.
type Credential string

// The credentials, as the configuration of the system under test names them.
const (
	Nobody      Credential = "nobody"      // in clear
	Certificate Credential = "certificate" // TLS without a key: a pool user, who checks the registrar
	AsElement   Credential = "element"
	AsOther     Credential = "other_element"
	Restricted  Credential = "restricted_element"
	AsPeer      Credential = "peer"
)

var credentials = []Credential{Nobody, Certificate, AsElement, AsOther, Restricted, AsPeer}

// Caller is who comes through which kind of door.
type Caller struct {
	Protocol  wire.Protocol
	Transport association.Transport
	Secured   bool
	As        Credential
}

// String returns the caller as scripts have it: "asap tcp tls as element".
func (c Caller) String() string {
	security := "clear"
	if c.Secured {
		security = "tls"
	}
	protocol := "asap"
	if c.Protocol == wire.ENRP {
		protocol = "enrp"
	}
	return fmt.Sprintf("%s %s %s as %s", protocol, c.Transport, security, c.As)
}

// Kind is what a step does.
type Kind string

// The kinds of steps.
const (
	Open    Kind = "open"
	Send    Kind = "send"
	Sync    Kind = "sync"
	Close   Kind = "close"
	Abort   Kind = "abort"
	Restart Kind = "restart"
	Idle    Kind = "idle"
)

// Step is one line of a script.
type Step struct {
	Kind    Kind
	On      string        // name of the association
	Caller  Caller        // Open
	Payload []byte        // Send; with placeholders, see Value
	PPID    uint32        // Send over SCTP: 0 is the protocol's own
	Stream  uint16        // Send over SCTP
	Time    time.Duration // Idle
}

// Script is a conversation.
type Script struct {
	Comment []string // lines at its head
	Repeat  int      // how often the steps are run; 0 is once
	Steps   []Step
}

// Clone returns a copy that shares payloads only, which nobody changes.
func (s *Script) Clone() *Script {
	return &Script{Comment: slices.Clone(s.Comment), Repeat: s.Repeat, Steps: slices.Clone(s.Steps)}
}

// Messages returns how many messages the script sends.
func (s *Script) Messages() int {
	n := 0
	for i := range s.Steps {
		if s.Steps[i].Kind == Send {
			n++
		}
	}
	return n
}

// Join puts scripts one after the other; associations keep to their own.
func Join(scripts ...*Script) *Script {
	if len(scripts) == 1 {
		return scripts[0]
	}
	all := &Script{}
	for n, s := range scripts {
		for _, step := range s.Steps {
			if step.On != "" {
				step.On = fmt.Sprintf("%s%d", step.On, n+1)
			}
			all.Steps = append(all.Steps, step)
		}
	}
	return all
}
