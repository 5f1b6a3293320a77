// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/sut"
)

// FuzzAdapter takes the input as the lines that a harness writes to an adapter whose system starts
// nothing. Each line that the adapter writes is an object of the protocol, and each request is
// answered at most once.
func FuzzAdapter(data []byte) int { return adapt(data, serveAdapter) }

func serveAdapter(in []byte) ([]byte, error) {
	var out bytes.Buffer
	s := &sut.AdapterServer{Driver: idle{}, Name: "idle", Version: "1", Roles: []sut.Role{sut.PoolElement, sut.PoolUser}}
	err := s.Serve(context.Background(), bytes.NewReader(in), &out)
	return out.Bytes(), err
}

var errIdle = errors.New("nothing is started here")

// idle starts nothing.
type idle struct{}

func (idle) StartElement(context.Context, sut.ElementSpec) (sut.ElementNode, error) {
	return nil, errIdle
}

func (idle) StartUser(context.Context, sut.UserSpec) (sut.UserNode, error) { return nil, errIdle }

// adapt checks what an adapter writes.
func adapt(data []byte, serve func([]byte) ([]byte, error)) int {
	asked := map[uint64]int{}
	for line := range bytes.Lines(data) {
		var request struct {
			ID uint64 `json:"id"`
		}
		if json.Unmarshal(line, &request) == nil {
			asked[request.ID]++
		}
	}
	out, _ := serve(data) // what ends it is its own business
	answered := 0
	for line := range bytes.Lines(out) {
		var said struct {
			ID     *uint64         `json:"id"`
			Result json.RawMessage `json:"result"`
			Error  *struct {
				Code string `json:"code"`
			} `json:"error"`
			Node, Log *string
			Event     json.RawMessage
		}
		if err := json.Unmarshal(line, &said); err != nil || !bytes.HasSuffix(line, []byte("\n")) {
			panic(fmt.Sprintf("the adapter writes what is no line of the protocol: %q, %v", line, err))
		}
		if said.ID == nil {
			continue
		}
		if asked[*said.ID]--; asked[*said.ID] < 0 {
			panic(fmt.Sprintf("request %d was not asked, or is answered again: %s", *said.ID, line))
		}
		if said.Result != nil && said.Error != nil {
			panic(fmt.Sprintf("an answer has a result and an error: %s", line))
		}
		if said.Error == nil {
			answered = 1
		}
	}
	return answered
}
