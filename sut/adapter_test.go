// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// shell is an adapter written in sh. The functions answer the request that was read last.
func shell(body string) []string {
	return []string{"sh", "-c", `
		say() { echo "$1"; }
		number() { printf %s "$request" | sed 's/^{"id":\([0-9]*\),.*/\1/'; }
		next() { IFS= read -r request; }
		ok() { say "{\"id\":$(number)${1:+,\"result\":$1}}"; }
		refuse() { say "{\"id\":$(number),\"error\":{\"code\":\"$1\",\"message\":\"$2\"}}"; }
		hello() { next; ok '{"protocol":1,"name":"shell","roles":["pe","pu"],"operations":["start-user","resolve","stop","cancel"]}'; }
		` + body}
}

const (
	testTimeout = time.Second
	testGrace   = 500 * time.Millisecond
)

func startShell(t *testing.T, body string) (*adapter, error) {
	t.Helper()
	a, err := startAdapter(t.Context(), adapterOptions{
		dir: t.TempDir(), argv: shell(body), timeout: testTimeout, grace: testGrace, secrets: &redactor{},
	})
	if err == nil {
		t.Cleanup(func() { _ = a.close() })
	}
	return a, err
}

// What an adapter does wrong is told for what it is, and never as something that the system
// under test has done.
func TestAdapterThatDoesNotKeepToTheProtocolIsNotTheSystem(t *testing.T) {
	for _, row := range []struct {
		name, body string
		want       []string
	}{
		{"prints garbage", `next; say 'Listening on port 7'; next`, []string{`it printed "Listening on port 7", which is no message`, "standard error"}},
		{"prints JSON that is no message", `next; say '{"hello":1}'; next`, []string{"neither id nor event nor log"}},
		{"prints without end", `next; yes aaaaaaaaaaaaaaaa | tr -d '\n' | head -c 3000000; next`, []string{"a line of more than"}},
		{"hangs", `next; next`, []string{"it hangs", "hello (request 1)"}},
		{"dies", `echo 'no module named asap' >&2; exit 3`, []string{"ended by itself (exit status 3): no module named asap"}},
		{"ends well too early", `hello; next; exit 0`, []string{"ended by itself (exit status 0), before its input did"}},
		{"dies of a signal", `hello; next; kill -SEGV $$`, []string{"segmentation fault", "may be a crash"}},
		{"closes its output", `hello; exec >&-; next; next`, []string{"closed its standard output"}},
		{"does not understand its arguments", `exit 64`, []string{"its arguments or configuration"}},
		{"has an error of its own", `hello; next; exit 70`, []string{"an error of its own (exit status 70)"}},
		{"answers twice", `hello; next; ok; ok; next`, []string{"answered request 2 twice"}},
		{"answers what was not asked", `hello; say '{"id":77}'; next`, []string{"answered request 77, which was never made"}},
		{"speaks another protocol", `next; ok '{"protocol":9}'; next`, []string{"version 9", "version 1"}},
		{"answers late", `hello; next; sleep 2.5; ok; next`, []string{"it hangs: it had 1s for start-user (request 2) and has not answered 500ms later"}},
		{"tells of a node that there is not", `hello; say '{"node":"pu-9","event":{"kind":"home"}}'; next; next`, []string{`"pu-9", which was never started`}},
		{"has a code of its own", `hello; next; refuse maybe later; next`, []string{`unknown code "maybe"`}},
		{"answers nonsense", `hello; next; ok; next; ok '[1]'; next`, []string{"its answer to resolve"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a, err := startShell(t, row.body)
			if err == nil {
				err = useUser(t, a)
			}
			if !errors.Is(err, ErrAdapter) || errors.Is(err, ErrNode) || errors.Is(err, ErrUnsupported) {
				t.Fatalf("error %v, want one of the adapter", err)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if a != nil && a.ping(t.Context()) == nil {
				t.Error("the adapter is said to be well")
			}
		})
	}
}

// useUser starts a user and has it resolve until something goes wrong.
func useUser(t *testing.T, a *adapter) error {
	t.Helper()
	user, err := a.StartUser(t.Context(), UserSpec{Pool: "EchoPool"})
	if err != nil {
		return err
	}
	if _, err = user.Resolve(t.Context()); err != nil {
		return err
	}
	<-a.done
	return a.failure()
}

// What the adapter says of its system is kept apart: it does not do it, or it went wrong.
func TestAdapterSpeaksForTheSystem(t *testing.T) {
	a, err := startShell(t, `hello; next; ok; next; refuse unsupported 'no such thing'; next; refuse failed 'no registrar answers'
		next; refuse invalid 'what?'; while next; do refuse unsupported x; done`)
	if err != nil {
		t.Fatal(err)
	}
	user, err := a.StartUser(t.Context(), UserSpec{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{ErrUnsupported, ErrNode, ErrAdapter} {
		if _, err := user.Resolve(t.Context()); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if err := a.ping(t.Context()); err != nil {
		t.Errorf("it keeps to the protocol: %v", err)
	}
	if b, err := startShell(t, `exit 89`); !errors.Is(err, ErrUnsupported) {
		t.Errorf("exit status 89: %v, %v", b, err)
	}
}

// A check that has waited long enough takes its request back, and the node goes on.
func TestRequestIsTakenBack(t *testing.T) {
	a, err := startShell(t, `hello; next; ok; next; slow=$request; next; ok; request=$slow; refuse failed cancelled; while next; do refuse unsupported x; done`)
	if err != nil {
		t.Fatal(err)
	}
	user, err := a.StartUser(t.Context(), UserSpec{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := user.Resolve(ctx); !errors.Is(err, ErrNode) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if err := a.ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// What the adapter has started ends with it, and only that.
func TestWhatTheAdapterLeavesBehindEndsWithIt(t *testing.T) {
	dir := t.TempDir()
	a, err := startAdapter(t.Context(), adapterOptions{
		dir: dir, argv: shell(`sleep 300 & echo $! > child; hello; next; exit 0`), timeout: testTimeout, grace: testGrace, secrets: &redactor{},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.close(); !errors.Is(err, ErrAdapter) || !strings.Contains(err.Error(), "left processes behind") {
		t.Errorf("error %v", err)
	}
	if state, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
		t.Errorf("the child still runs: %s", state)
	}
	if err := syscall.Kill(os.Getpid(), 0); err != nil {
		t.Error(err)
	}
}

// No key of the harness comes back in what the vendor's program logs or says.
func TestNoKeyReachesALog(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	digits := hex.EncodeToString(key)
	a, err := startShell(t, `hello; next; echo "got $request" >&2; say '{"node":"pu-1","log":"key `+digits+`"}'
		say '{"node":"pu-1","event":{"kind":"refused","reason":"key `+strings.ToUpper(digits)+`"}}'; ok; next
		refuse failed 'bad key `+digits+`'; next`)
	if err != nil {
		t.Fatal(err)
	}
	user, err := a.StartUser(t.Context(), UserSpec{Identity: &PSK{Identity: "pu-1", Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = user.Resolve(t.Context())
	event := <-user.Events()
	if closed := a.close(); closed != nil {
		t.Error(closed)
	}
	for name, text := range map[string]string{
		"error": err.Error(), "event": event.Reason, "log": strings.Join(user.Log(), "\n"),
		"standard error": strings.Join(a.secrets.lines(a.log.lines()), "\n"),
	} {
		if strings.Contains(strings.ToLower(text), digits) || !strings.Contains(text, redacted) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// The reference does through the protocol what it does in process.
func TestReferenceIsDrivenThroughTheProtocol(t *testing.T) {
	registrar := prepare(t, embedded(t), Secured)
	a, err := startAdapter(t.Context(), adapterOptions{
		argv: []string{"rspthreat", "adapter"}, timeout: patience, grace: patience, secrets: &redactor{},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	}()
	place := func(transport association.Transport) Place {
		for _, d := range registrar.Find(wire.ASAP, true) {
			if d.Transport == transport {
				return Place{Transport: transport, Addr: d.Addr, Secured: true, Name: registrar.Credentials.ServerName}
			}
		}
		t.Fatal("no door")
		return Place{}
	}
	element, err := a.StartElement(t.Context(), ElementSpec{
		Security: Secured, Registrars: []Place{place(association.SCTPUDP)}, Identity: registrar.Credentials.Element,
		Local: registrar.Local(), Pool: registrar.Pool, ID: 7,
	})
	if err != nil {
		t.Fatal(err)
	}
	awaitEvent(t, element, EventRegistered)
	user, err := a.StartUser(t.Context(), UserSpec{
		Security: Secured, Registrars: []Place{place(association.TCP)}, Identity: registrar.Credentials.Other,
		Local: registrar.Local(), Pool: registrar.Pool, Elements: Clear,
	})
	if err != nil {
		t.Fatal(err)
	}
	members, err := user.Resolve(t.Context())
	if err != nil || len(members) != 1 || members[0].ID != 7 {
		t.Errorf("members %v, error %v", members, err)
	}
	if err := element.Deregister(t.Context()); err != nil {
		t.Error(err)
	}
	awaitEvent(t, element, EventDeregistered)
	if len(element.Log()) == 0 {
		t.Error("the element has no log")
	}
	if err := errors.Join(element.Stop(t.Context()), user.Stop(t.Context())); err != nil {
		t.Error(err)
	}
	if _, open := <-user.Events(); open {
		for range user.Events() {
		}
	}
}

func awaitEvent(t *testing.T, n Node, kind NodeEventKind) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e, ok := <-n.Events():
			if !ok {
				t.Fatalf("the node has ended without %s", kind)
			}
			if e.Kind == kind {
				return
			}
		case <-timeout:
			t.Fatalf("no %s; log:\n%s", kind, strings.Join(n.Log(), "\n"))
		}
	}
}
