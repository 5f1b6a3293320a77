// SPDX-License-Identifier: Apache-2.0

package sut

import "encoding/json"

// AdapterProtocol is the version of the adapter protocol (ADAPTER.md, schema/adapter.schema.json).
// It rises when an adapter has to change; fields and events may be added without.
const AdapterProtocol = 1

// What an adapter can be asked for.
const (
	opHello          = "hello"
	opStartElement   = "start-element"
	opStartUser      = "start-user"
	opStartRegistrar = "start-registrar"
	opRegister       = "register"
	opDeregister     = "deregister"
	opResolve        = "resolve"
	opSend           = "send"
	opHandlespace    = "handlespace"
	opStop           = "stop"
	// opCancel takes a request back: the harness does not wait for its answer any more.
	opCancel = "cancel"
)

// Codes of an AdapterError.
const (
	codeUnsupported = "unsupported" // the system does not do this: no fault of it
	codeFailed      = "failed"      // the system tried, and reports that it went wrong
	codeInvalid     = "invalid"     // the adapter cannot make sense of the request
)

// Reserved exit codes of an adapter.
const (
	adapterExitEnded       = 0  // its input ended
	adapterExitUsage       = 64 // its own arguments or configuration are wrong
	adapterExitInternal    = 70 // a fault of the adapter itself
	adapterExitUnsupported = 89 // nothing of this can be done on this machine
)

// adapterRequest is a line from the harness.
type adapterRequest struct {
	ID uint64 `json:"id"`
	Op string `json:"op"`
	// Timeout is how long the harness waits for the answer, in milliseconds.
	Timeout int64 `json:"timeout_ms,omitzero"`

	Protocol  int            `json:"protocol,omitzero"`   // hello
	Harness   string         `json:"harness,omitzero"`    // hello: name and version, for the adapter's log
	Element   *ElementSpec   `json:"element,omitempty"`   // start-element
	User      *UserSpec      `json:"user,omitempty"`      // start-user
	Registrar *RegistrarSpec `json:"registrar,omitempty"` // start-registrar
	// Node is the name of the node that the request is about; those that start one give it.
	Node    string `json:"node,omitzero"`
	Data    Hex    `json:"data,omitempty"`   // send
	Request uint64 `json:"request,omitzero"` // cancel: what is not wanted any more
}

// adapterLine is a line from the adapter: an answer, an event, or a line of a node's log.
type adapterLine struct {
	ID     *uint64         `json:"id,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *AdapterError   `json:"error,omitempty"`

	Node  string     `json:"node,omitzero"`
	Event *NodeEvent `json:"event,omitempty"`
	Log   *string    `json:"log,omitempty"`
}

// AdapterError is how an adapter answers a request that it cannot fulfil.
type AdapterError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// AdapterHello is what an adapter says of itself.
type AdapterHello struct {
	Protocol   int      `json:"protocol"`
	Name       string   `json:"name"`
	Version    string   `json:"version,omitzero"`
	Roles      []Role   `json:"roles"`
	Operations []string `json:"operations"`
}

// adapterMembers is the result of resolve, adapterReply that of send, adapterHandlespace that of
// handlespace.
type (
	adapterHandlespace struct {
		Elements []Entry `json:"elements"`
	}
	adapterMembers struct {
		Members []Member `json:"members"`
	}
	adapterReply struct {
		Data Hex `json:"data"`
	}
)
