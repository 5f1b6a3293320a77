// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// bed is a registrar and elements, each of them a host that a test plays.
type bed struct {
	*network
	registrar *resolver
	dir       *directory
	pe        map[wire.PEID]*host
	user      *pooluser.User
}

// newBed lists the elements with falling priority.
func newBed(t *testing.T, change func(*pooluser.Config), ids ...wire.PEID) *bed {
	t.Helper()
	b := &bed{network: newNetwork(t), dir: listed(ids...), pe: make(map[wire.PEID]*host)}
	b.registrar = b.network.registrar("registrar", addr1, b.dir)
	for _, id := range ids {
		b.pe[id] = b.add(id.String(), elementAddrs[id])
	}
	b.user = b.start(change, addr1)
	return b
}

// open opens a session and returns the far end of its channel, which is at id.
func (b *bed) open(id wire.PEID, options ...pooluser.SessionOption) (*pooluser.Session, *far) {
	b.t.Helper()
	s, err := b.user.Open(within(b.t, time.Minute), pool, options...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { s.Close(context.Background()) })
	return s, b.far(id)
}

// far is the element's end of a channel.
type far struct {
	*memory.Association
	*channel.Channel
	t *testing.T
}

func (b *bed) far(id wire.PEID) *far {
	b.t.Helper()
	m := b.pe[id].accept().Association
	ch, err := channel.New(m, channel.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	return &far{Association: m, Channel: ch, t: b.t}
}

// data sends data to the pool user.
func (f *far) data(s string) {
	f.t.Helper()
	if err := f.SendData(f.t.Context(), []byte(s)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *far) control(m wire.Message) {
	f.t.Helper()
	if err := f.SendControl(f.t.Context(), m); err != nil {
		f.t.Fatal(err)
	}
}

// got describes the next thing that the pool user sent.
func (f *far) got() string {
	f.t.Helper()
	r, err := f.Channel.Receive(within(f.t, time.Hour))
	switch {
	case err != nil:
		return err.Error()
	case r.Control == nil:
		return "data " + string(r.Data)
	}
	if echo, ok := r.Control.(*wire.CookieEcho); ok {
		return "echo " + string(echo.Value)
	}
	return r.Control.Name()
}

func (f *far) want(s string) {
	f.t.Helper()
	if got := f.got(); got != s {
		f.t.Errorf("the element got %q, want %q", got, s)
	}
}

func send(t *testing.T, s *pooluser.Session, data string) {
	t.Helper()
	if err := s.Send(within(t, time.Minute), []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, s *pooluser.Session) string {
	t.Helper()
	r, err := s.Receive(within(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Data)
}
