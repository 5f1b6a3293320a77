// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Errors of Control.
var (
	// ErrNoControlChannel: the pool takes data only on its associations (RFC 5354 section 3.4).
	ErrNoControlChannel = errors.New("poolelement: the pool has no control channel")
	// ErrNoCookies: Config.Cookies is nil.
	ErrNoCookies = errors.New("poolelement: no cookie key configured")
)

// Control is an association with a pool user: user data, and the control channel for
// cookies and business cards multiplexed with it, so that both are secured or neither
// (RFC 5352 sections 3.8 and 3.9, draft section 2.16). One goroutine may receive while
// others send.
type Control struct {
	e       *Element
	channel *channel.Channel
	pool    Pool
	user    string
	// Of SelectionRules.Required, for Receive only: the user has proven its selection, or has
	// been found not to have.
	proven, unproven bool
}

// FromUser is what came from a pool user: exactly one of the fields is set.
type FromUser struct {
	Data []byte
	// State is what an element of the pool left with this user, from a cookie that was
	// verified. It is empty and not nil when the cookie held none.
	State []byte
	// Card is the pool of a user that is an element as well, and its order of failover.
	Card *wire.BusinessCard
	// Selected is what the user has proven about its selection of the element.
	Selected *Selected
	// Refused is why a cookie or a proof of selection is not believed, or data not taken
	// (ErrUnproven). The association may go on without a state, and with a proof.
	Refused error
}

// Control begins to speak with a pool user over an association with the service of a pool;
// the association stays the caller's. dataPPID is as in channel.Options. If there is a
// control channel, the business card of the element goes out first (RFC 5352 section 3.9).
func (e *Element) Control(ctx context.Context, handle wire.PoolHandle, a association.Association, dataPPID uint32) (*Control, error) {
	pool, _, ok := e.Member(handle)
	if !ok {
		return nil, fmt.Errorf("%w %s", ErrUnknownPool, handle)
	}
	ch, err := channel.New(a, channel.Options{DataPPID: dataPPID, Wire: e.controlOptions()})
	if err != nil {
		return nil, fmt.Errorf("poolelement: %w", err)
	}
	c := &Control{e: e, channel: ch, pool: pool, user: userOf(a.Info())}
	if !c.exists() || e.cfg.Wire.NoBusinessCard {
		return c, nil
	}
	return c, c.SendBusinessCard(ctx)
}

// userOf names whom a cookie is for: the identity of the user, or the address of one that is
// anonymous, which stays the same when the user turns to another element.
func userOf(info association.Info) string {
	if info.Identity.Kind != tlspsk.Anonymous {
		return info.Identity.String()
	}
	return "address " + info.Remote.Addr().Unmap().String()
}

// exists tells whether there is a control channel: always over TCP, where Transport Use does
// not say (RFC 5355 section 2.16), and with "data plus control" over SCTP.
func (c *Control) exists() bool {
	return !c.channel.Association().Info().Transport.IsSCTP() || c.pool.User.Use == wire.DataAndControl
}

// SendData sends user data as one message.
func (c *Control) SendData(ctx context.Context, data []byte) error {
	return c.channel.SendData(ctx, data)
}

// SendCookie leaves state with the user, signed for it. The latest one counts.
func (c *Control) SendCookie(ctx context.Context, state []byte) error {
	switch {
	case !c.exists():
		return ErrNoControlChannel
	case c.e.cfg.Cookies == nil:
		return ErrNoCookies
	}
	value, err := c.e.cfg.Cookies.Sign(time.Now(), c.pool.Handle, c.pool.ID, c.user, state)
	if err != nil {
		return err
	}
	return c.channel.SendControl(ctx, &wire.Cookie{Value: value})
}

// SendBusinessCard tells the user our pool and the order of failover: ourselves, then others.
func (c *Control) SendBusinessCard(ctx context.Context, others ...wire.PoolElement) error {
	if !c.exists() {
		return ErrNoControlChannel
	}
	own := c.pool.element(c.channel.Association().Info())
	return c.channel.SendControl(ctx, &wire.BusinessCard{PoolHandle: c.pool.Handle, Elements: append([]wire.PoolElement{own}, others...)})
}

// Receive returns the next thing that the user says. Whatever else comes on the control
// channel is ignored: a keep-alive there moves nobody. A malformed message is an error,
// after which the association should be aborted.
func (c *Control) Receive(ctx context.Context) (FromUser, error) {
	for {
		r, err := c.channel.Receive(ctx)
		if err != nil {
			return FromUser{}, err
		}
		switch m := r.Control.(type) {
		case nil:
			if s := c.e.cfg.Selections; s != nil && s.rules.Required && !c.proven {
				return c.data(), nil
			}
			return FromUser{Data: r.Data}, nil
		case *wire.SelectionProof:
			return c.selected(m), nil
		case *wire.CookieEcho:
			return c.echo(m), nil
		case *wire.BusinessCard:
			return FromUser{Card: m}, nil
		default:
			c.e.ignoreUser(c.channel.Association().Info(), m)
		}
	}
}

// controlOptions are those of the control channel: proofs are known where they are judged.
func (e *Element) controlOptions() wire.Options {
	o := e.cfg.Wire
	o.SelectionProof = e.cfg.Selections != nil
	return o
}

// selected judges a proof of selection.
func (c *Control) selected(m *wire.SelectionProof) FromUser {
	selected, err := c.e.cfg.Defences.Selection.Verify(c.e.cfg.Selections, time.Now(), c.pool.Handle, c.pool.ID, m)
	if err != nil {
		return c.refused(err)
	}
	c.proven = true
	return FromUser{Selected: &selected}
}

// data refuses data of a user that has not proven its selection, and tells so once.
func (c *Control) data() FromUser {
	err := fmt.Errorf("%w: %w", ErrRefused, ErrUnproven)
	if c.unproven {
		return FromUser{Refused: err}
	}
	c.unproven = true
	return c.refused(err)
}

// refused tells that a user has not been led here by the policy of the pool.
func (c *Control) refused(err error) FromUser {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.e.stats.SelectionsRefused++
	c.e.emit(Event{Kind: SelectionRefused, Pool: c.pool.Handle, PEID: c.pool.ID, Remote: c.channel.Association().Info().Remote, Err: err})
	return FromUser{Refused: err}
}

func (c *Control) echo(m *wire.CookieEcho) FromUser {
	if c.e.cfg.Cookies == nil {
		return FromUser{Refused: fmt.Errorf("%w: %w", ErrRefused, ErrNoCookies)}
	}
	state, err := c.e.cfg.Defences.Cookie.Verify(c.e.cfg.Cookies, time.Now(), c.pool.Handle, c.user, m.Value)
	if err != nil {
		c.e.log.Warn("cookie refused", "pool", c.pool.Handle.String(), "user", c.user, "error", err)
		return FromUser{Refused: err}
	}
	if state == nil {
		state = []byte{}
	}
	return FromUser{State: state}
}

// ignoreUser counts a message that has no meaning on a control channel.
func (e *Element) ignoreUser(info association.Info, m wire.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Ignored++
	e.log.Info("message on a control channel ignored", "message", m.Name(), "from", info.Remote)
}
