// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// adapterNode is a pool element or pool user behind an adapter.
type adapterNode struct {
	*eventLog
	adapter *adapter
	name    string
}

// StartElement starts a pool element.
func (a *adapter) StartElement(ctx context.Context, spec ElementSpec) (ElementNode, error) {
	a.secrets.addPSK(spec.Identity, spec.Caller)
	a.secrets.add(spec.CookieKey, spec.SigningKey, spec.Service.Key)
	n, err := a.startNode(ctx, PoolElement, adapterRequest{Op: opStartElement, Element: &spec})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// StartUser starts a pool user.
func (a *adapter) StartUser(ctx context.Context, spec UserSpec) (UserNode, error) {
	a.secrets.addPSK(spec.Identity)
	n, err := a.startNode(ctx, PoolUser, adapterRequest{Op: opStartUser, User: &spec})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// startRegistrar attaches to the registrar, or starts it; fresh says that nobody else uses it.
func (a *adapter) startRegistrar(ctx context.Context, spec RegistrarSpec) (n *adapterNode, fresh bool, err error) {
	n = a.newNode(Registrar)
	var started registrarStarted
	if err := n.call(ctx, adapterRequest{Op: opStartRegistrar, Registrar: &spec}, &started); err != nil {
		n.end()
		return nil, false, err
	}
	return n, started.Fresh, nil
}

func (a *adapter) newNode(role Role) *adapterNode {
	n := &adapterNode{eventLog: newEventLog(), adapter: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	n.name = string(role) + "-" + strconv.Itoa(len(a.nodes)+1)
	a.nodes[n.name] = n // it may tell something before the answer
	return n
}

func (a *adapter) startNode(ctx context.Context, role Role, r adapterRequest) (*adapterNode, error) {
	n := a.newNode(role)
	r.Node = n.name
	if _, err := a.call(ctx, r); err != nil {
		n.end()
		return nil, err
	}
	return n, nil
}

// hear takes what the adapter tells of the node.
func (n *adapterNode) hear(l adapterLine) {
	if l.Log != nil {
		_, _ = n.log.Write([]byte(n.adapter.secrets.text(*l.Log) + "\n"))
	}
	if l.Event == nil {
		return
	}
	e := *l.Event
	e.Reason, e.Identity = n.adapter.secrets.text(e.Reason), n.adapter.secrets.text(e.Identity)
	n.emit(e)
	if e.Kind == EventEnded {
		n.end()
	}
}

func (n *adapterNode) call(ctx context.Context, r adapterRequest, into any) error {
	r.Node = n.name
	result, err := n.adapter.call(ctx, r)
	if err != nil || into == nil || len(result) == 0 && r.Op == opStartRegistrar {
		return err
	}
	if err := json.Unmarshal(result, into); err != nil {
		return n.adapter.fail(fmt.Errorf("%w: its answer to %s: %w", ErrAdapter, r.Op, err))
	}
	return nil
}

// Register joins the pool again, or renews the registration.
func (n *adapterNode) Register(ctx context.Context) error {
	return n.call(ctx, adapterRequest{Op: opRegister}, nil)
}

// Deregister leaves the pool.
func (n *adapterNode) Deregister(ctx context.Context) error {
	return n.call(ctx, adapterRequest{Op: opDeregister}, nil)
}

// Resolve resolves the pool.
func (n *adapterNode) Resolve(ctx context.Context) ([]Member, error) {
	var result adapterMembers
	err := n.call(ctx, adapterRequest{Op: opResolve}, &result)
	return result.Members, err
}

// Send sends data to an element and returns what came back.
func (n *adapterNode) Send(ctx context.Context, data []byte) ([]byte, error) {
	var result adapterReply
	err := n.call(ctx, adapterRequest{Op: opSend, Data: data}, &result)
	return result.Data, err
}

// Handlespace returns all elements that are registered.
func (n *adapterNode) Handlespace(ctx context.Context) ([]Entry, error) {
	var result adapterHandlespace
	err := n.call(ctx, adapterRequest{Op: opHandlespace}, &result)
	return result.Elements, err
}

// Stop ends the node. One whose adapter is gone has ended.
func (n *adapterNode) Stop(ctx context.Context) error {
	err := n.call(ctx, adapterRequest{Op: opStop}, nil)
	n.end()
	if errors.Is(err, ErrUnsupported) {
		return nil // it ends with the adapter
	}
	return err
}
