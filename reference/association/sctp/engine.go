// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pion/logging"
	pion "github.com/pion/sctp"
)

const (
	// MaxMessage is the longest user message in octets that the engine sends.
	MaxMessage = 65536
	// engineMTU is the longest packet we send: with UDP and IPv6 headers it fits
	// an Ethernet frame.
	engineMTU = 1400
	// receiveWindow holds four of the longest messages. Each association may
	// make us hold so much.
	receiveWindow = 4 * MaxMessage
	// receiveChunks bounds what chunks of a few octets cost beyond the window:
	// eight octets each fill it.
	receiveChunks = receiveWindow / 8
	// maxRTO bounds the back-off in milliseconds. The default of a minute would
	// let an association sleep through most of its liveness time.
	maxRTO = 5000
)

// options returns what every association of the engine gets.
func options(p *path) []pion.AssociationOption {
	return []pion.AssociationOption{
		pion.WithNetConn(p),
		// The engine would print every refused handshake.
		pion.WithLoggerFactory(&logging.DefaultLoggerFactory{
			Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled,
		}),
		pion.WithMTU(engineMTU),
		pion.WithMaxMessageSize(MaxMessage),
		pion.WithMaxReceiveBufferSize(receiveWindow),
		pion.WithMaxReassemblyQueueEntries(receiveChunks),
		pion.WithRTOMax(maxRTO),
		pion.WithEnableInterleaving(false), // no kernel has RFC 8260
		pion.WithBlockWrite(true),          // otherwise a fast sender fills the memory
	}
}

// connect runs the client's handshake.
func connect(ctx context.Context, p *path) (*pion.Association, error) {
	var o []pion.ClientOption
	for _, option := range options(p) {
		o = append(o, option)
	}
	engine, err := pion.ClientContext(ctx, o...)
	if err != nil {
		p.Close() // the engine only ends with its transport
		return nil, p.explain(err)
	}
	return engine, nil
}

// serve runs the server's handshake, which knows no context.
func serve(ctx context.Context, p *path) (*pion.Association, error) {
	var o []pion.ServerOption
	for _, option := range options(p) {
		o = append(o, option)
	}
	stop := context.AfterFunc(ctx, func() { p.Close() })
	engine, err := pion.ServerWithOptions(o...)
	if !stop() && err == nil {
		err = ctx.Err()
		_ = engine.Close()
	}
	if err != nil {
		p.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, p.explain(err)
	}
	return engine, nil
}

// explain says more of a failed handshake than the engine knows.
func (p *path) explain(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.aborted.Load():
		return fmt.Errorf("%w during the handshake", ErrAborted)
	case p.failure != nil && errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (last packet: %w)", err, p.failure)
	}
	return err
}
