// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Why an association that we set up is given up again.
var (
	// ErrNotAuthenticated: the far end is not the node that was called.
	ErrNotAuthenticated = errors.New("registrar: the far end did not authenticate")
	// ErrNoRoom: Limits.MaxSessions or MaxPerAddress is reached, or the registrar is closed.
	ErrNoRoom = errors.New("registrar: no room for another association")
)

// dial sets up an association within MAX-TIME-NO-RESPONSE: to whom it cannot be set up in
// that time the sending has failed (RFC 5353 section 3.4.3).
func (r *Registrar) dial(ctx context.Context, d Destination) (association.Association, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timers.MaxTimeNoResponse)
	defer cancel()
	call := r.cfg.Dial
	if call == nil {
		call = r.call
	}
	a, err := call(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("registrar: dial %s %s %s: %w", d.Protocol, d.Transport, d.Addr, err)
	}
	return a, nil
}

// call dials from the socket of the doors, so that the far end sees an address of ours.
func (r *Registrar) call(ctx context.Context, d Destination) (association.Association, error) {
	dialer := association.Dialer{
		Transport: d.Transport, UDPPort: d.UDPPort, PPID: d.Protocol.PPID(), Stack: r.stackOf[d.Transport],
		LocalPort: r.portFor(d),
	}
	if d.Credential != nil {
		dialer.TLS = &tlspsk.Config{
			MinVersion: r.cfg.TLS.MinVersion, MaxVersion: r.cfg.TLS.MaxVersion, CipherSuites: r.cfg.TLS.CipherSuites,
			KeyLog: r.cfg.TLS.KeyLog, Messages: d.Transport.IsSCTP(),
			PSKIdentity: d.Credential.Identity, PSKKey: d.Credential.Key,
		}
	}
	return dialer.Dial(ctx, d.Addr)
}

// portFor is the port that d is dialed from, 0 for any.
func (r *Registrar) portFor(d Destination) uint16 {
	door := r.cfg.enrpDoor()
	if !r.cfg.DialFromDoor || d.Protocol != wire.ENRP || door == nil || door.Transport != d.Transport {
		return 0
	}
	return door.Addr.Port()
}

// connect dials d and lets the far end speak as dialed says. prepare is called with the lock
// held before anything is read. The session runs until it ends by itself.
func (r *Registrar) connect(ctx context.Context, d Destination, dialed Dialed, prepare func(s *session)) (*session, error) {
	if r.cfg.Mode == Insecure {
		d.Credential = nil
	} else if d.Credential == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoCredential, d.Addr)
	}
	a, err := r.dial(ctx, d)
	if err != nil {
		return nil, err
	}
	s, running := r.newSession(r.ctx, a, d.Protocol, &dialed)
	if err := r.launch(s, running, prepare); err != nil {
		s.cancel()
		_ = a.Abort("not admitted") // the association is given up either way
		return nil, fmt.Errorf("%w: %s", err, d.Addr)
	}
	return s, nil
}

// launch lets a dialed session join and run, unless the far end is not whom we called.
func (r *Registrar) launch(s *session, running context.Context, prepare func(s *session)) error {
	if !r.join(s) {
		return ErrNoRoom
	}
	if s.principal.Role == RoleNone {
		r.leave(s)
		return ErrNotAuthenticated
	}
	r.mu.Lock()
	prepare(s)
	r.mu.Unlock()
	r.wg.Go(func() { s.run(running) }) // called by a goroutine that counts itself, so Close waits
	return nil
}
