// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// told is a registrar that tells of events before it is asked.
type told struct {
	*eventLog
	entries []Entry
}

func (r *told) StartRegistrar(_ context.Context, spec RegistrarSpec) (RegistrarNode, error) {
	if len(spec.Doors) != 1 || spec.Security != Clear {
		return nil, errors.New("another registrar is meant")
	}
	return r, nil
}

func (r *told) Handlespace(context.Context) ([]Entry, error) {
	for range 3 {
		r.emit(NodeEvent{Kind: EventAuthenticated, Identity: "pe-alice"})
	}
	return r.entries, nil
}

func (r *told) Stop(context.Context) error {
	r.end()
	return nil
}

// served serves a driver in process, and returns the harness's end.
func served(t *testing.T, server *AdapterServer) *lineClient {
	t.Helper()
	toServer, requests := io.Pipe()
	answers, fromServer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- server.Serve(t.Context(), toServer, fromServer)
		_ = fromServer.Close()
	}()
	t.Cleanup(func() {
		_ = requests.Close()
		_, _ = io.Copy(io.Discard, answers)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &lineClient{t, requests, answers}
}

type lineClient struct {
	t   *testing.T
	in  io.Writer
	out io.Reader
}

// ask sends a request and returns the lines up to its answer.
func (c *lineClient) ask(request string) []string {
	c.t.Helper()
	if _, err := io.WriteString(c.in, request+"\n"); err != nil {
		c.t.Fatal(err)
	}
	var lines []string
	var line strings.Builder
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(c.out, b); err != nil {
			c.t.Fatalf("%v after %q", err, lines)
		}
		if b[0] != '\n' {
			line.WriteByte(b[0])
			continue
		}
		lines = append(lines, line.String())
		if strings.HasPrefix(line.String(), `{"id":`) {
			return lines
		}
		line.Reset()
	}
}

// A registrar's events come before the answer that they belong before, and its handlespace whole.
func TestAdapterSpeaksForARegistrar(t *testing.T) {
	t.Parallel()
	r := &told{newEventLog(), []Entry{{Pool: "p", ID: 7, Addr: netip.MustParseAddrPort("192.0.2.1:7000"), Owner: "pe-alice"}}}
	c := served(t, &AdapterServer{Registrar: r, Roles: []Role{Registrar}})
	if got := c.ask(`{"id":1,"op":"hello","protocol":1}`); !strings.Contains(got[0], `"start-registrar","handlespace"`) {
		t.Errorf("hello: %q", got)
	}
	start := `,"op":"start-registrar","node":"r","registrar":{"security":"clear","doors":[{"protocol":"asap","transport":"tcp","secured":false,"addr":"192.0.2.9:3863"}]}}`
	if got := c.ask(`{"id":2` + start); got[0] != `{"id":2,"result":{}}` {
		t.Errorf("start-registrar: %q", got)
	}
	for id := range 50 { // whoever is late is late now and then
		got := c.ask(`{"id":3,"op":"handlespace","node":"r"}`)
		event := `{"node":"r","event":{"kind":"authenticated","identity":"pe-alice"}}`
		want := []string{event, event, event, `{"id":3,"result":{"elements":[{"pool":"p","id":7,"addr":"192.0.2.1:7000","owner":"pe-alice"}]}}`}
		if !slices.Equal(got, want) {
			t.Fatalf("handlespace %d: %q", id, got)
		}
	}
	if got := c.ask(`{"id":4,"op":"resolve","node":"r"}`); !strings.Contains(got[0], `"unsupported"`) {
		t.Errorf("resolve: %q", got)
	}
}

func TestAdapterWithoutARegistrarSaysSo(t *testing.T) {
	t.Parallel()
	c := served(t, &AdapterServer{Roles: []Role{PoolUser}})
	if got := c.ask(`{"id":1,"op":"start-registrar","node":"r","registrar":{"security":"clear","doors":[]}}`); !strings.Contains(got[0], `"unsupported"`) {
		t.Errorf("start-registrar: %q", got)
	}
}
