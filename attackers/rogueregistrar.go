// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// RogueRegistrar stands where elements and users look for a registrar (draft sections 2.6,
// 2.7 and 2.12). It does what an honest one does, with credentials that are not those of
// one: it grants every registration, and wants to be home.
type RogueRegistrar struct {
	*script.Station
	// Pose is what it poses with, for reports: "a key of its own making".
	Pose string

	pool     string
	spoken   chan struct{} // closed with the first message
	answered chan struct{} // closed with the first octets that it sends
	answer   sync.Once

	mu     sync.Mutex
	heard  []wire.Message
	first  [][]byte // the first octets or message of each association
	missed int      // associations that had begun before the first that was answered
}

// Pose is how a rogue registrar shows who it is.
type Pose struct {
	What string
	// TLS is what it speaks; nil speaks in clear.
	TLS *tlspsk.Config
}

// PoseWithKey shows key, whatever identity comes.
func PoseWithKey(what string, key []byte) Pose {
	return Pose{what, &tlspsk.Config{Lookup: func(string) []byte { return slices.Clone(key) }}}
}

// PoseWithIdentity shows the identity itself as its key, and whatever else a factory may
// have left in a device: keys that are too easily guessed to be any.
func PoseWithIdentity() Pose {
	return Pose{"a key that can be guessed", &tlspsk.Config{Lookup: DefaultKey}}
}

// DefaultKey is the key that can be guessed for an identity: its name, as often as it fits
// into 32 octets.
func DefaultKey(identity string) []byte {
	key := make([]byte, 0, 32+len(identity))
	for identity != "" && len(key) < 32 {
		key = append(key, identity...)
	}
	return append(key, make([]byte, 32)...)[:32]
}

// PoseWithCertificate shows a certificate instead of a key.
func PoseWithCertificate(c tls.Certificate) Pose {
	return Pose{"a certificate instead of a key", &tlspsk.Config{
		Certificates: &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12},
	}}
}

// PoseWithoutEncryption shows a key, which may be the right one, over cipher suites that do not
// encrypt only. suites is an OpenSSL list of such suites.
func PoseWithoutEncryption(key []byte, suites string) Pose {
	p := PoseWithKey("the right key, over suites without encryption", key)
	p.TLS.CipherSuites, p.TLS.MaxVersion = suites, tlspsk.TLS12
	return p
}

// PoseInClear shows nothing and speaks no TLS.
func PoseInClear() Pose { return Pose{What: "nothing, in clear"} }

// Stand opens a rogue registrar at a door. pool is what its keep-alives are about.
func (s *Site) Stand(ctx context.Context, pose Pose, pool string, doors ...script.Door) (*RogueRegistrar, error) {
	r := &RogueRegistrar{Pose: pose.What, pool: pool, spoken: make(chan struct{}), answered: make(chan struct{})}
	for i := range doors {
		doors[i].Secured = pose.TLS != nil
	}
	var err error
	r.Station, err = script.Listen(ctx, script.StationOptions{
		Name: "rogue registrar", Peer: "pe", TLS: pose.TLS, Wire: s.dialect(), Recorder: s.Recorder, Wrap: r.position, Hostile: true,
		OnOpen:    func(n *script.Node) { r.greet(context.WithoutCancel(ctx), n) },
		OnMessage: func(n *script.Node, m wire.Message) bool { r.serve(context.WithoutCancel(ctx), n, m); return false },
	}, doors...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	return r, nil
}

// greet wants to be home of whoever came. An association that has ended meanwhile is no
// matter.
func (r *RogueRegistrar) greet(ctx context.Context, n *script.Node) {
	_ = n.Send(ctx, &wire.EndpointKeepAlive{NewHome: true, Server: RogueServer, PoolHandle: []byte(r.pool)})
}

// hear keeps what it was told.
func (r *RogueRegistrar) hear(m wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heard) == 0 {
		close(r.spoken)
	}
	if len(r.heard) < maxRogueHeard {
		r.heard = append(r.heard, m)
	}
}

func (r *RogueRegistrar) serve(ctx context.Context, n *script.Node, m wire.Message) {
	r.hear(m)
	switch m := m.(type) {
	case *wire.Registration:
		_ = n.Send(ctx, &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID})
	case *wire.Deregistration:
		_ = n.Send(ctx, &wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID})
	}
}

// maxRogueHeard bounds what a node under test that falls for a rogue can make it keep.
const maxRogueHeard = 4096

// Heard returns every message that it was told, which should be none.
func (r *RogueRegistrar) Heard() []wire.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

// Spoken is closed when it is told something for the first time.
func (r *RogueRegistrar) Spoken() <-chan struct{} { return r.spoken }

// Answered is closed when it sends something for the first time, of TLS too: who has left before
// that has not seen how it poses.
func (r *RogueRegistrar) Answered() <-chan struct{} { return r.answered }

// Missed is how many had come before the first that was answered.
func (r *RogueRegistrar) Missed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missed
}

// sends notes that somebody is answered.
func (r *RogueRegistrar) sends() {
	r.answer.Do(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.missed = max(0, len(r.first)-1)
		close(r.answered)
	})
}

// Settle waits until the matter is decided: somebody has told the rogue something, or has
// come that many times and each time was refused or has ended the association. More than
// once, because who is refused may come back with less security.
func (r *RogueRegistrar) Settle(ctx context.Context, times int) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-r.spoken:
			cancel()
		case <-stop:
		}
	}()
	err := r.AwaitOver(waiting, times)
	if len(r.Heard()) > 0 {
		return nil
	}
	return err
}

// Openings are the first octets that came on each association, or the first message.
func (r *RogueRegistrar) Openings() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.first)
}

func (r *RogueRegistrar) position(raw net.Conn) net.Conn {
	o := &opening{Conn: raw, r: r}
	if m, ok := raw.(association.MessageConn); ok {
		return &messageOpening{o, m} // it would lose its payload protocol identifiers
	}
	return o
}

// opening notes what a connection begins with.
type opening struct {
	net.Conn
	r    *RogueRegistrar
	once sync.Once
}

func (o *opening) note(b []byte) {
	if len(b) == 0 {
		return
	}
	o.once.Do(func() {
		o.r.mu.Lock()
		defer o.r.mu.Unlock()
		o.r.first = append(o.r.first, slices.Clone(b))
	})
}

// Read notes the first octets.
func (o *opening) Read(b []byte) (int, error) {
	n, err := o.Conn.Read(b)
	o.note(b[:n])
	return n, err
}

// Write notes that somebody is answered.
func (o *opening) Write(b []byte) (int, error) {
	o.r.sends()
	return o.Conn.Write(b)
}

// messageOpening is the same for a transport that preserves messages.
type messageOpening struct {
	*opening
	m association.MessageConn
}

// ReadMessage notes the first octets.
func (o *messageOpening) ReadMessage() (association.Message, error) {
	m, err := o.m.ReadMessage()
	o.note(m.Payload)
	return m, err
}

// WriteMessage notes that somebody is answered.
func (o *messageOpening) WriteMessage(m association.Message) error {
	o.r.sends()
	return o.m.WriteMessage(m)
}
