// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Selection has the registrar put a selection ticket into resolution responses, so that pool
// users can prove to pool elements how they selected them (draft-ietf-rserpool-threats-15
// section 2.17; reference/EXTENSIONS.md). Pool users that do not know tickets skip them.
type Selection struct {
	// Chain is shared by the registrars of an operational scope.
	Chain *policy.NonceChain
	// Key signs tickets; pool elements know its public half.
	Key ed25519.PrivateKey
}

// ErrSelection is the error of Start about an incomplete Selection.
var ErrSelection = errors.New("registrar: provable selection needs a nonce chain and an Ed25519 key")

// complete reports what is missing.
func (s *Selection) complete() error {
	if s != nil && (s.Chain == nil || len(s.Key) != ed25519.PrivateKeySize) {
		return ErrSelection
	}
	return nil
}

// ticket returns the selection ticket for an answer to a pool user, nil when there is none:
// the policy is not a random one, or the answer leaves elements of the pool out. A user that
// could have parts of a pool signed would choose among them.
func (r *Registrar) ticket(user string, answer *wire.HandleResolutionResponse, whole bool, now time.Time) []byte {
	s := r.cfg.Selection
	if s == nil || !whole || len(answer.Causes) > 0 || !policy.Provable(answer.Policy.Type) {
		return nil
	}
	anchor := s.Chain.Anchor()
	epoch, ok := anchor.Epoch(now)
	if !ok {
		r.log.Warn("no selection ticket: the nonce chain does not cover this time", "start", anchor.Start, "epochs", anchor.Length)
		return nil
	}
	list, err := wire.SelectionList(answer.Elements)
	if err != nil {
		r.log.Error("no selection ticket", "pool", answer.PoolHandle.String(), "error", err)
		return nil
	}
	nonce, err := s.Chain.Nonce(epoch)
	if err != nil {
		r.log.Error("no selection ticket", "pool", answer.PoolHandle.String(), "error", err)
		return nil
	}
	t := wire.NewSelectionTicket(r.cfg.ServerID, epoch, nonce, s.Chain.Lot(epoch, string(answer.PoolHandle), user), list)
	return t.Sign(s.Key, answer.PoolHandle)
}
