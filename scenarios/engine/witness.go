// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/rspthreat/rspthreat/sut"
)

// witness is a driver that remembers what the system under test has declined to do, for a
// step that fails for want of it: a check may ask for something beside what it waits for.
type witness struct {
	sut.Driver
	mu       sync.Mutex
	declined error // the first
	times    int
}

func (w *witness) note(err error) error {
	if errors.Is(err, sut.ErrUnsupported) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.times++
		if w.declined == nil {
			w.declined = err
		}
	}
	return err
}

func (w *witness) said() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.declined
}

func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times
}

// StartElement implements sut.Driver.
func (w *witness) StartElement(ctx context.Context, spec sut.ElementSpec) (sut.ElementNode, error) {
	n, err := w.Driver.StartElement(ctx, spec)
	if err != nil {
		return nil, w.note(err)
	}
	return witnessedElement{n, w}, nil
}

// StartUser implements sut.Driver.
func (w *witness) StartUser(ctx context.Context, spec sut.UserSpec) (sut.UserNode, error) {
	n, err := w.Driver.StartUser(ctx, spec)
	if err != nil {
		return nil, w.note(err)
	}
	return witnessedUser{n, w}, nil
}

type witnessedElement struct {
	sut.ElementNode
	witness *witness
}

func (n witnessedElement) Register(ctx context.Context) error {
	return n.witness.note(n.ElementNode.Register(ctx))
}

func (n witnessedElement) Deregister(ctx context.Context) error {
	return n.witness.note(n.ElementNode.Deregister(ctx))
}

type witnessedUser struct {
	sut.UserNode
	witness *witness
}

func (n witnessedUser) Resolve(ctx context.Context) ([]sut.Member, error) {
	members, err := n.UserNode.Resolve(ctx)
	return members, n.witness.note(err)
}

func (n witnessedUser) Send(ctx context.Context, data []byte) ([]byte, error) {
	reply, err := n.UserNode.Send(ctx, data)
	return reply, n.witness.note(err)
}
