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

// The descriptions below have a form in JSON, which is that of the adapter protocol
// (ADAPTER.md): a new field is carried by it as soon as it has a tag and stands in the schema.

// Member is an element of a pool as a user resolved it.
type Member struct {
	ID   wire.PEID      `json:"id"`
	Addr netip.AddrPort `json:"addr,omitzero"`
}

// Place is where a registrar may be found.
type Place struct {
	Transport         association.Transport `json:"transport"`
	Addr              netip.AddrPort        `json:"addr"`
	EncapsulationPort uint16                `json:"encapsulation_port,omitzero"` // UDP port of SCTP over UDP; 0 for 9899
	Secured           bool                  `json:"secured"`
	// Name is what the registrar's certificate must be for; "" is its address.
	Name string `json:"name,omitzero"`
}

// ElementSpec says what a pool element is to be.
type ElementSpec struct {
	Security   Security `json:"security"`
	Registrars []Place  `json:"registrars,omitempty"` // where to look for a home, the first one first
	Identity   *PSK     `json:"identity,omitempty"`   // its own; nil on a system in clear
	// Caller is the identity by which a registrar that sets up the association itself
	// shows who it is; nil: none may.
	Caller *PSK `json:"caller,omitempty"`
	// Door is where registrars may come to it, if it can be reached; the zero value: nowhere.
	Door Place `json:"door,omitzero"`
	// Announcements is the multicast group and port where it listens for registrars; the
	// zero value: nowhere.
	Announcements netip.AddrPort `json:"announcements,omitzero"`
	// Local is the address that the element works from.
	Local   netip.Addr    `json:"local,omitzero"`
	Pool    string        `json:"pool"`
	ID      wire.PEID     `json:"id,omitzero"`
	Life    time.Duration `json:"life_ns,omitzero"` // 0: as long as it likes
	Policy  wire.Policy   `json:"policy,omitzero"`  // zero: round robin
	Service Service       `json:"service,omitzero"`
	// CookieKey is what the elements of a pool sign cookies with; nil: they do not.
	CookieKey Hex `json:"cookie_key,omitempty"`
	// SigningKey is the seed of the Ed25519 key by which it signs its policy (an
	// experimental extension, draft section 2.17); nil: it does not.
	SigningKey Hex `json:"signing_key,omitempty"`
	// Selections has its users prove how they selected it before they are served (an
	// experimental extension, draft section 2.17); nil: they need not.
	Selections *SelectionSpec `json:"selections,omitempty"`
}

// SelectionSpec is what proofs of selection are checked by: the public nonces of the
// registrars, and their keys (reference/EXTENSIONS.md).
type SelectionSpec struct {
	Nonce  Hex           `json:"nonce"` // of epoch 0
	Start  time.Time     `json:"start"` // of epoch 0
	Period time.Duration `json:"period_ns"`
	Length uint64        `json:"length"` // the last epoch
	Keys   []Hex         `json:"keys"`   // Ed25519 public keys of registrars
}

// Service is where pool users find an element.
type Service struct {
	Transport association.Transport `json:"transport"` // "" serves nobody
	Addr      netip.AddrPort        `json:"addr"`      // port 0: any free one
	Secured   bool                  `json:"secured"`
	// Certificate and Key are what it shows, PEM.
	Certificate PEM `json:"certificate,omitempty"`
	Key         PEM `json:"key,omitempty"`
}

// UserSpec says what a pool user is to be.
type UserSpec struct {
	Security   Security `json:"security"` // towards registrars
	Registrars []Place  `json:"registrars,omitempty"`
	// Roots are the certification authorities that registrars must be signed by, PEM.
	Roots PEM `json:"roots,omitempty"`
	// Identity makes it use a pre-shared key instead of certificates; nil: it does not.
	Identity      *PSK           `json:"identity,omitempty"`
	Announcements netip.AddrPort `json:"announcements,omitzero"` // as in ElementSpec
	Local         netip.Addr     `json:"local,omitzero"`
	Pool          string         `json:"pool"`
	// Elements says whether channels with elements must be secured, and by whose
	// certificates, PEM.
	Elements     Security `json:"elements,omitzero"`
	ElementRoots PEM      `json:"element_roots,omitempty"`
	ElementName  string   `json:"element_name,omitzero"` // what certificates of elements must be for; "" is the address
	// PolicyKeys are the Ed25519 public keys of elements, by PE identifier, for signed
	// policies (an experimental extension, draft section 2.17).
	PolicyKeys PolicyKeys `json:"policy_keys,omitempty"`
	// ProveSelection has it select as the registrar's public nonce says, and show that to
	// elements (an experimental extension, draft section 2.17).
	ProveSelection bool   `json:"prove_selection,omitzero"`
	Seed           uint64 `json:"seed,omitzero,string"` // of its random selections, where it can be given one
}

// NodeEvent is something that a node tells.
type NodeEvent struct {
	Time time.Time     `json:"time,omitzero"`
	Kind NodeEventKind `json:"kind"`
	Pool string        `json:"pool,omitzero"`
	// PEID is the element that it is about; From the one that was left, on a failover.
	PEID   wire.PEID      `json:"peid,omitzero"`
	From   wire.PEID      `json:"from,omitzero"`
	Remote netip.AddrPort `json:"remote,omitzero"`
	// Identity is who has shown a key.
	Identity string `json:"identity,omitzero"`
	Secured  bool   `json:"secured,omitzero"`
	// Reason says why, for people.
	Reason string `json:"reason,omitzero"`
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
	EventAuthenticated NodeEventKind = "authenticated"  // registrar: a node has shown by its key who it is
	EventEnded         NodeEventKind = "ended"          // the node has ended by itself
)
