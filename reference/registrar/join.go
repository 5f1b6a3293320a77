// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

var errEndless = errors.New("the handle table does not end")

// joinGroup is the start-up with a mentor (RFC 5353 section 3.2). It tries the mentors in
// the order of the configuration, and again after a pause. The RFC does not say what to do
// when none of them helps, as when all registrars of a group are started at once and each
// rejects the others: after Limits.JoinRounds this one serves, and the audit (section 3.6)
// makes up for the download.
func (r *Registrar) joinGroup(ctx context.Context) {
	mentors := make([]*caller, 0, len(r.cfg.Peers))
	for _, p := range r.cfg.Peers {
		mentors = append(mentors, &caller{peer: p, configured: true})
	}
	for range r.cfg.Limits.JoinRounds {
		for _, mentor := range mentors {
			named, err := r.learnFrom(ctx, mentor)
			if err == nil {
				r.joined("handlespace downloaded from mentor "+mentor.peer.Addr.String(), mentors, named)
				return
			}
			if ctx.Err() != nil {
				return
			}
			r.log.Warn("mentor did not help", "mentor", mentor.peer.Addr, "error", err)
		}
		if !pause(ctx, r.cfg.Timers.MentorRetry) {
			return
		}
	}
	r.joined("no mentor helped", mentors, nil)
}

func (r *Registrar) joined(how string, configured []*caller, named []wire.ServerInformation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		for _, c := range configured {
			r.startCaller(c)
		}
		for _, i := range named {
			r.learn(i)
		}
		r.enterService(how)
	}
}

// enterService begins to serve.
func (r *Registrar) enterService(how string) {
	r.ready = true
	close(r.inService)
	r.log.Info("in service", "because", how, "elements", r.space.Len(), "peers", len(r.peers))
	// What is ours from before a restart under the same server ID has no association.
	var ours []handlespace.Element
	for e := range r.space.All() {
		if e.PE.Home == r.cfg.ServerID {
			ours = append(ours, e)
		} else if r.peers[e.PE.Home] == nil {
			r.addPeer(e.PE.Home, "") // somebody has to notice if it is gone
		}
	}
	r.claim(ours)
	r.scheduleExpiry(time.Now())
	r.announcePresence()
}

// learnFrom gets the server list and the handle table from a mentor.
func (r *Registrar) learnFrom(ctx context.Context, mentor *caller) ([]wire.ServerInformation, error) {
	s, err := r.connectPeer(ctx, mentor)
	if err != nil {
		return nil, err
	}
	named, err := r.learnOver(ctx, s, mentor.peer.Server)
	if err != nil {
		s.cancel() // the next attempt begins with a new association
	}
	return named, err
}

func (r *Registrar) learnOver(ctx context.Context, s *session, mentor wire.ServerID) ([]wire.ServerInformation, error) {
	answer, err := r.ask(ctx, s, &wire.ListRequest{Sender: r.cfg.ServerID, Receiver: mentor}, wire.TypeListResponse)
	if err != nil {
		return nil, err
	}
	list := answer.(*wire.ListResponse)
	if list.Reject {
		return nil, fmt.Errorf("%s: %w", list.Name(), errRejected)
	}
	err = r.download(ctx, s, list.Sender, false, func(pools []wire.PoolEntry) {
		for _, entry := range pools {
			r.transfer(&entry)
		}
	})
	return list.Servers, err
}

// transfer takes over what a mentor has (RFC 5353 section 3.2.3 step 4). What it says of
// others' elements is audited as soon as their homes are connected.
func (r *Registrar) transfer(entry *wire.PoolEntry) {
	for i := range entry.Elements {
		pe := &entry.Elements[i]
		if pe.Home == 0 {
			continue
		}
		if _, err := r.space.Register(time.Now(), entry.PoolHandle, pe, ""); err != nil {
			r.log.Warn("element not transferred", "pool", entry.PoolHandle.String(), "pe", pe.ID.String(), "error", err)
		}
	}
}

// download gets the handle table of a peer page by page, the peer's own elements or all, and
// calls take with each page, with the lock held.
func (r *Registrar) download(ctx context.Context, s *session, from wire.ServerID, own bool, take func([]wire.PoolEntry)) error {
	request := &wire.HandleTableRequest{Sender: r.cfg.ServerID, Receiver: from, OwnChildrenOnly: own}
	for range r.cfg.Limits.MaxTablePages {
		answer, err := r.ask(ctx, s, request, wire.TypeHandleTableResponse)
		if err != nil {
			return err
		}
		page := answer.(*wire.HandleTableResponse)
		if page.Reject {
			return fmt.Errorf("%s: %w", page.Name(), errRejected)
		}
		r.mu.Lock()
		take(page.Pools)
		r.mu.Unlock()
		if !page.More {
			return nil
		}
		if len(page.Pools) == 0 {
			break
		}
	}
	return errEndless
}
