// SPDX-License-Identifier: Apache-2.0

package guest

import "time"

// What the host may ask of the agent.
const (
	opSetup  = "setup"  // mount, network, modules; answered once
	opRun    = "run"    // start a process; answered when it has started and again when it has ended
	opSignal = "signal" // signal a process and its children
	opInput  = "input"  // write to the standard input of a process; answered when it has been read, or is in the pipe
	opAwait  = "await"  // answered when the SCTP endpoints listen, a watched process ended, or time is up
)

// What the agent answers.
const (
	eventReady   = "ready"   // unasked, when the agent reads: what is sent earlier the guest's serial driver loses
	eventStarted = "started" // first answer to opRun
	eventDone    = "done"    // last answer to any request
)

// request is one line from the host to the agent.
type request struct {
	ID        uint64        `json:"id"`
	Op        string        `json:"op"`
	Setup     *setup        `json:"setup,omitempty"`
	Argv      []string      `json:"argv,omitempty"`
	Stdout    string        `json:"stdout,omitempty"` // file in Guest.Dir, created
	Stderr    string        `json:"stderr,omitempty"`
	Input     bool          `json:"input,omitempty"`  // opRun: standard input comes by opInput; without it there is none
	Target    uint64        `json:"target,omitempty"` // ID of an opRun
	Data      []byte        `json:"data,omitempty"`   // opInput; empty: the end
	Signal    int           `json:"signal,omitempty"`
	Endpoints []string      `json:"endpoints,omitempty"` // "address:port"
	Watch     []uint64      `json:"watch,omitempty"`     // IDs of the opRuns that open them
	Timeout   time.Duration `json:"timeout,omitempty"`
}

// setup tells the agent what the kernel command line does not.
type setup struct {
	Dir      string   `json:"dir"`      // writable directory, same path on both sides
	Modprobe string   `json:"modprobe"` // for modprobe and for the kernel's own requests
	Addrs    []string `json:"addrs"`    // "address/bits" of the guest
	Gateway  string   `json:"gateway"`
	Env      []string `json:"env"` // of every process
}

// event is one line from the agent to the host.
type event struct {
	ID    uint64 `json:"id"`
	Kind  string `json:"kind"`
	Error string `json:"error,omitempty"` // why the request could not be carried out
	Exit  string `json:"exit,omitempty"`  // how a process ended: "" for exit status 0, else "exit status 3", "signal: killed"
}
