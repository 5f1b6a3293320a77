// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// AdapterServer is the adapter's end of the protocol, for a Driver: what a vendor whose
// system is written in Go needs only a Driver for.
type AdapterServer struct {
	Driver Driver
	// Registrar attaches to a registrar or starts it; nil: there is none.
	Registrar RegistrarDriver
	Name      string
	Version   string
	Roles     []Role

	out   io.Writer
	write sync.Mutex
	ctx   context.Context // of the nodes
	calls sync.WaitGroup

	mu      sync.Mutex
	nodes   map[string]*servedNode
	pending map[uint64]context.CancelFunc
	failed  error
}

// Serve answers requests from in on out until in ends, and then ends every node.
func (s *AdapterServer) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.ctx, s.out = ctx, out
	s.nodes, s.pending = make(map[string]*servedNode), make(map[uint64]context.CancelFunc)
	err := s.read(in)
	s.mu.Lock()
	for _, giveUp := range s.pending {
		giveUp()
	}
	s.mu.Unlock()
	s.calls.Wait()
	for _, n := range s.nodes {
		err = errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
		n.forward.Wait()
	}
	return errors.Join(err, s.failed)
}

// read takes requests until the input ends, or ctx.
func (s *AdapterServer) read(in io.Reader) error {
	type read struct {
		line []byte
		err  error
	}
	lines := make(chan read)
	go func() { // a read cannot be interrupted: it may outlive a server that is told to end
		from := bufio.NewReader(in)
		for {
			line, err := readLine(from)
			select {
			case lines <- read{line, err}:
			case <-s.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case l := <-lines:
			if errors.Is(l.err, io.EOF) {
				return nil
			}
			if l.err != nil {
				return fmt.Errorf("standard input: %w", l.err)
			}
			if err := s.take(l.line); err != nil {
				return err
			}
		}
	}
}

// take begins with what a line asks for.
func (s *AdapterServer) take(line []byte) error {
	var r adapterRequest
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("%w: %w", errRequest, err)
	}
	if r.Op == opCancel {
		s.mu.Lock()
		giveUp := s.pending[r.Request]
		s.mu.Unlock()
		if giveUp != nil {
			giveUp()
		}
		s.answer(r.ID, nil, nil)
		return nil
	}
	// The time-out of the request is the harness's; what it does not wait for, it cancels.
	ctx, giveUp := context.WithCancel(s.ctx)
	s.mu.Lock()
	s.pending[r.ID] = giveUp
	s.mu.Unlock()
	s.calls.Go(func() {
		result, err := s.do(ctx, &r)
		s.mu.Lock()
		delete(s.pending, r.ID)
		s.mu.Unlock()
		giveUp()
		s.answer(r.ID, result, err)
	})
	return nil
}

func (s *AdapterServer) answer(id uint64, result any, err error) {
	line := adapterLine{ID: &id}
	switch {
	case err == nil:
	case errors.Is(err, ErrUnsupported):
		line.Error = &AdapterError{codeUnsupported, err.Error()}
	case errors.Is(err, errRequest):
		line.Error = &AdapterError{codeInvalid, err.Error()}
	default:
		line.Error = &AdapterError{codeFailed, err.Error()}
	}
	if result != nil {
		line.Result, _ = json.Marshal(result) // results are made of what can be marshalled
	}
	s.print(line)
}

func (s *AdapterServer) print(line adapterLine) {
	b, err := json.Marshal(line)
	s.write.Lock()
	defer s.write.Unlock()
	if err == nil {
		_, err = s.out.Write(append(b, '\n'))
	}
	if s.failed == nil {
		s.failed = err
	}
}

// errRequest is wrapped by errors about requests that make no sense.
var errRequest = errors.New("request")

func (s *AdapterServer) do(ctx context.Context, r *adapterRequest) (any, error) {
	switch r.Op {
	case opHello:
		return AdapterHello{
			Protocol: AdapterProtocol, Name: s.Name, Version: s.Version, Roles: s.Roles,
			Operations: s.operations(),
		}, nil
	case opStartElement, opStartUser, opStartRegistrar:
		return s.start(r)
	case opRegister, opDeregister, opResolve, opSend, opHandlespace, opStop:
		return s.ask(ctx, r)
	}
	return nil, fmt.Errorf("%w: there is no operation %q", ErrUnsupported, r.Op)
}

// start starts a node, which lives longer than the request.
func (s *AdapterServer) start(r *adapterRequest) (any, error) {
	var node Node
	var started any
	var err error
	switch {
	case r.Node == "":
		return nil, fmt.Errorf("%w: %s without a name for the node", errRequest, r.Op)
	case r.Op == opStartElement && r.Element != nil:
		node, err = s.Driver.StartElement(s.ctx, *r.Element)
	case r.Op == opStartUser && r.User != nil:
		node, err = s.Driver.StartUser(s.ctx, *r.User)
	case r.Op == opStartRegistrar && s.Registrar == nil:
		return nil, fmt.Errorf("%w: there is no registrar", ErrUnsupported)
	case r.Op == opStartRegistrar && r.Registrar != nil:
		node, err = s.Registrar.StartRegistrar(s.ctx, *r.Registrar)
		started = registrarStarted{Fresh: isFresh(node)}
	default:
		return nil, fmt.Errorf("%w: %s without a description", errRequest, r.Op)
	}
	if err != nil {
		return nil, err
	}
	n := &servedNode{Node: node, name: r.Node, caughtUp: make(chan chan<- struct{}), ended: make(chan struct{})}
	s.mu.Lock()
	s.nodes[r.Node] = n
	s.mu.Unlock()
	n.forward.Go(func() { s.tell(n) })
	return started, nil
}

func (s *AdapterServer) operations() []string {
	all := []string{opStartElement, opStartUser, opRegister, opDeregister, opResolve, opSend, opStop, opCancel}
	if s.Registrar != nil {
		all = append(all, opStartRegistrar, opHandlespace)
	}
	return all
}

// ask has a node do something.
func (s *AdapterServer) ask(ctx context.Context, r *adapterRequest) (any, error) {
	s.mu.Lock()
	n := s.nodes[r.Node]
	s.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("%w: there is no node %q", errRequest, r.Node)
	}
	defer s.flush(n)
	if r.Op == opStop {
		err := n.Stop(ctx)
		n.forward.Wait()
		s.mu.Lock()
		delete(s.nodes, r.Node)
		s.mu.Unlock()
		return nil, err
	}
	if element, ok := n.Node.(ElementNode); ok {
		switch r.Op {
		case opRegister:
			return nil, element.Register(ctx)
		case opDeregister:
			return nil, element.Deregister(ctx)
		}
	}
	if user, ok := n.Node.(UserNode); ok {
		switch r.Op {
		case opResolve:
			members, err := user.Resolve(ctx)
			return result(adapterMembers{members}, err)
		case opSend:
			reply, err := user.Send(ctx, r.Data)
			return result(adapterReply{reply}, err)
		}
	}
	if registrar, ok := n.Node.(RegistrarNode); ok && r.Op == opHandlespace {
		entries, err := registrar.Handlespace(ctx)
		n.catchUp()
		return result(adapterHandlespace{entries}, err)
	}
	return nil, fmt.Errorf("%w: node %q does not do %s", ErrUnsupported, r.Node, r.Op)
}

func result(value any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return value, nil
}
