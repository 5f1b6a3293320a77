// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Driver starts pool elements and pool users under test and lets a check make them do what
// only their implementation can make them do. The embedded reference is driven in process,
// a vendor's system through its adapter or its commands.
//
// Whatever a driver or a node cannot do, it answers with ErrUnsupported: that is the
// system's own word, and no fault of it.
type Driver interface {
	StartElement(ctx context.Context, spec ElementSpec) (ElementNode, error)
	StartUser(ctx context.Context, spec UserSpec) (UserNode, error)
}

// Errors of a Driver and of what it starts.
var (
	ErrUnsupported = errors.New("not supported by the system under test")
	// ErrNode is wrapped by what the node itself reports as gone wrong, such as a
	// resolution that failed; other errors are failures of the way to the node.
	ErrNode = errors.New("the system under test reports")
)

// Node is a pool element or a pool user that was started.
type Node interface {
	// Events delivers what the node tells, in its order. It is closed when the node has
	// ended, by Stop or by itself.
	Events() <-chan NodeEvent
	// Log returns what the node has logged so far.
	Log() []string
	// Stop ends the node; an element deregisters first if it still can.
	Stop(ctx context.Context) error
}

// ElementNode is a pool element that was started. It looks for a registrar and registers by
// itself, and serves whoever comes to its service with an echo.
type ElementNode interface {
	Node
	// Deregister makes it leave its pool and waits for the registrar's answer.
	Deregister(ctx context.Context) error
	// Register makes it join its pool again, or renew its registration at once.
	Register(ctx context.Context) error
}

// UserNode is a pool user that was started.
type UserNode interface {
	Node
	// Resolve makes it resolve its pool, and returns the elements it would use.
	Resolve(ctx context.Context) ([]Member, error)
	// Send makes it send data to an element of its pool, within the session that it has
	// with one, and returns what came back.
	Send(ctx context.Context, data []byte) (reply []byte, err error)
}

// Member is an element of a pool as a user resolved it.
type Member struct {
	ID   wire.PEID
	Addr netip.AddrPort
}

// Place is where a registrar may be found.
type Place struct {
	Transport         association.Transport
	Addr              netip.AddrPort
	EncapsulationPort uint16 // UDP port of SCTP over UDP; 0 for 9899
	Secured           bool
	// Name is what the registrar's certificate must be for; "" is its address.
	Name string
}

// ElementSpec says what a pool element is to be.
type ElementSpec struct {
	Security   Security
	Registrars []Place // where to look for a home, the first one first
	Identity   *PSK    // its own; nil on a system in clear
	// Caller is the identity by which a registrar that sets up the association itself
	// shows who it is; nil: none may.
	Caller *PSK
	// Door is where registrars may come to it, if it can be reached; the zero value: nowhere.
	Door Place
	// Announcements is the multicast group and port where it listens for registrars; the
	// zero value: nowhere.
	Announcements netip.AddrPort
	// Local is the address that the element works from.
	Local   netip.Addr
	Pool    string
	ID      wire.PEID
	Life    time.Duration // 0: as long as it likes
	Policy  wire.Policy   // zero: round robin
	Service Service
	// CookieKey is what the elements of a pool sign cookies with; nil: they do not.
	CookieKey []byte
	// SigningKey is the seed of the Ed25519 key by which it signs its policy (an
	// experimental extension, draft section 2.17); nil: it does not.
	SigningKey []byte
}

// Service is where pool users find an element.
type Service struct {
	Transport association.Transport // "" serves nobody
	Addr      netip.AddrPort        // port 0: any free one
	Secured   bool
	// Certificate and Key are what it shows, PEM.
	Certificate, Key []byte
}

// UserSpec says what a pool user is to be.
type UserSpec struct {
	Security   Security // towards registrars
	Registrars []Place
	// Roots are the certification authorities that registrars must be signed by, PEM.
	Roots []byte
	// Identity makes it use a pre-shared key instead of certificates; nil: it does not.
	Identity      *PSK
	Announcements netip.AddrPort // as in ElementSpec
	Local         netip.Addr
	Pool          string
	// Elements says whether channels with elements must be secured, and by whose
	// certificates, PEM.
	Elements     Security
	ElementRoots []byte
	ElementName  string // what certificates of elements must be for; "" is the address
	// PolicyKeys are the Ed25519 public keys of elements, by PE identifier, for signed
	// policies (an experimental extension, draft section 2.17).
	PolicyKeys map[wire.PEID][]byte
	Seed       uint64 // of its random selections, where it can be given one
}

// NodeEvent is something that a node tells.
type NodeEvent struct {
	Time time.Time
	Kind NodeEventKind
	Pool string
	// PEID is the element that it is about; From the one that was left, on a failover.
	PEID, From wire.PEID
	Remote     netip.AddrPort
	Secured    bool
	// Reason says why, for people.
	Reason string
}

// NodeEventKind says what a NodeEvent tells.
type NodeEventKind string

// What nodes tell.
const (
	EventHome          NodeEventKind = "home"           // a registrar has become the home registrar
	EventHomeLost      NodeEventKind = "home-lost"      // it is not any more
	EventRefused       NodeEventKind = "refused"        // a registrar or a peer has not shown who it is
	EventRegistered    NodeEventKind = "registered"     // element: a registration was confirmed
	EventRejected      NodeEventKind = "rejected"       // element: it was not
	EventDeregistered  NodeEventKind = "deregistered"   // element: it has left its pool
	EventConnected     NodeEventKind = "connected"      // user: a channel with an element is there
	EventFailover      NodeEventKind = "failover"       // user: the notice of a failover (draft section 2.9)
	EventSelected      NodeEventKind = "selected"       // user: it has selected an element
	EventCookie        NodeEventKind = "cookie"         // element: a cookie was echoed and is believed
	EventCookieRefused NodeEventKind = "cookie-refused" // element: a cookie was echoed and is not
	EventPolicyForged  NodeEventKind = "policy-forged"  // user: a policy is not the one its element signed
	EventEnded         NodeEventKind = "ended"          // the node has ended by itself
)
