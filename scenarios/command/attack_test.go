// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// target is a reference registrar to attack, and its doors as the command wants them.
func target(t *testing.T, s sut.Security, faults ...string) (*sut.Instance, []string) {
	t.Helper()
	found, err := sut.FindFaults(faults...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sut.NewEmbedded(found...)
	if err != nil {
		t.Fatal(err)
	}
	i, err := e.Prepare(t.Context(), sut.Wanted{Security: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close(context.Background()) })
	var doors []string
	for _, d := range i.Doors {
		security := "clear"
		if d.Secured {
			security = "tls"
		}
		ours := !d.Addr.Addr().IsMulticast() // who sends to a group does not know who hears it
		if ours && (s == sut.Secured || !d.Secured) {
			doors = append(doors, "--target", fmt.Sprintf("%s:%s:%s:%s", d.Protocol, d.Transport, security, d.Addr))
		}
	}
	return i, doors
}

// TestAttackersWorkByThemselves: each says what it did, and what came of it is what the
// defences of the target make of it.
func TestAttackersWorkByThemselves(t *testing.T) {
	t.Parallel()
	secured, doors := target(t, sut.Secured)
	_, clear := target(t, sut.Clear)
	eager, eagerDoors := target(t, sut.Secured, "accept-early-data")
	pskFile := func(i *sut.Instance) string {
		path := filepath.Join(t.TempDir(), "keys.psk")
		lines := fmt.Appendf(nil, "pe-bob:%x\nregistrar-2:%x\n", i.Credentials.Other.Key, i.Credentials.Peer.Key)
		if err := os.WriteFile(path, lines, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys, eagerKeys := pskFile(secured), pskFile(eager)
	const long = "20s" // for those who are answered, however busy the machine is
	for _, row := range []struct {
		name     string
		args     []string
		says     []string
		saysNot  []string
		attacker string
	}{
		{"a stranger at a secured registrar", doors, []string{"security", "with a guessed key at asap tcp tls: kept out"}, []string{"RESPONSE accept"}, "stranger"},
		{"a stranger at one in clear", clear, []string{"RESPONSE accept"}, nil, "stranger"},
		{"a flood in clear", append([]string{"--messages", "5"}, clear...), []string{"5 messages sent"}, nil, "flooder"},
		{"reports in clear", append([]string{"--messages", "5", "--element", "7"}, clear...), []string{"5 messages sent"}, nil, "reporter"},
		{
			"early data", append([]string{"--patience", long, "--identity", "pe-bob", "--psk-file", keys}, doors...),
			[]string{"early data was not taken at asap tcp tls", "early data was not taken at asap sctp-udp tls"},
			[]string{"early data was taken"},
			"early-bird",
		},
		{
			"early data where it is taken", append([]string{"--patience", "5s", // all of it passes: the answer to a replay cannot be read
				"--identity", "pe-bob", "--psk-file", eagerKeys}, eagerDoors...),
			[]string{"early data was taken at asap tcp tls", "early data replayed into a new association at asap tcp tls"},
			[]string{"not taken"},
			"early-bird",
		},
		{"24 messages in clear", append([]string{"--element", "7"}, doors...), []string{"ENRP_HANDLE_UPDATE", "ASAP_REGISTRATION in a datagram"}, []string{"RESPONSE accept"}, "clear-speaker"},
		{"an announcement", doors, []string{"ASAP_SERVER_ANNOUNCE in a datagram at asap udp clear"}, nil, "announcer"},
		{
			"another's key", append([]string{"--element", "0x1234", "--identity", "pe-bob", "--psk-file", keys}, doors...),
			[]string{"as pe-bob"},
			nil, "spoofer",
		},
		{"suites without protection", append([]string{"--patience", long}, doors...), []string{"a ClientHello with the suites [0000] at asap tcp tls: the association was ended"}, []string{"was agreed to"}, "haggler"},
		{"a replay in clear", append([]string{"--patience", long}, clear...), []string{"a session that was recorded replayed into a new association at asap tcp clear: answered with ASAP_REGISTRATION_RESPONSE accept"}, nil, "replayer"},
		{
			"a replay under TLS", append([]string{"--patience", long, "--identity", "pe-bob", "--psk-file", keys}, doors...),
			[]string{"a session that was recorded replayed into a new association at asap tcp tls: the association was ended"},
			[]string{"RESPONSE accept"},
			"replayer",
		},
		{
			"sessions to resume", append([]string{"--patience", long, "--for", "1ms", "--identity", "pe-bob", "--psk-file", keys}, doors...),
			[]string{"0 session tickets were handed out at asap tcp tls", "resuming a session of pe-bob, TLS 1.3 at asap tcp tls: answered"},
			nil, "ticket-holder",
		},
		{
			"a registrar's key", append([]string{"--element", "0x1234", "--identity", "registrar-2", "--psk-file", keys}, doors...),
			[]string{"theft of an element told at enrp sctp-udp tls"},
			nil, "insider",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, stdout, stderr := rspthreat(t.Context(), append([]string{"attack", row.attacker}, row.args...)...)
			if code != reports.ExitConforms {
				t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
			}
			for _, want := range row.says {
				if !strings.Contains(stdout, want) {
					t.Errorf("it does not say %q:\n%s", want, stdout)
				}
			}
			for _, bad := range row.saysNot {
				if strings.Contains(stdout, bad) {
					t.Errorf("it says %q:\n%s", bad, stdout)
				}
			}
		})
	}
}

// TestAttackersKeepToOnesOwn: no packet leaves for a host that nobody has said may be attacked.
func TestAttackersKeepToOnesOwn(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		want string
		args []string
	}{
		{"--i-own-this-target", []string{"stranger", "--target", "asap:tcp:tls:192.0.2.1:3864"}},
		{"--i-own-this-target", []string{"stranger", "--target", "asap:tcp:tls:127.0.0.1:3864", "--target", "asap:sctp:tls:[2001:db8::1]:3864"}},
		{"--target", []string{"stranger"}},
		{"TLS over udp", []string{"announcer", "--target", "asap:udp:tls:127.0.0.1:3863"}},
		{"neither asap nor enrp", []string{"stranger", "--target", "http:tcp:tls:127.0.0.1:80"}},
		{"attack --list", []string{"nobody", "--target", "asap:tcp:tls:127.0.0.1:3864"}},
		{"--listen", []string{"tamperer", "--target", "asap:tcp:tls:127.0.0.1:3864"}},
		{"--element", []string{"reporter", "--target", "asap:tcp:clear:127.0.0.1:3863"}},
		{"--identity", []string{"early-bird", "--target", "asap:tcp:tls:127.0.0.1:3864"}},
		{"--listen", []string{"parrot", "--target", "asap:tcp:clear:127.0.0.1:3863"}},
		{"--element", []string{"spoofer", "--target", "asap:tcp:tls:127.0.0.1:3864"}},
	} {
		code, stdout, stderr := rspthreat(t.Context(), append([]string{"attack"}, row.args...)...)
		if code != reports.ExitUsage || !strings.Contains(stderr, row.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q, %q; want %q", row.args, code, stdout, stderr, row.want)
		}
	}
}

// TestAttackThatReachesNobodyIsNone: where nothing listens there is nothing to tell.
func TestAttackThatReachesNobodyIsNone(t *testing.T) {
	t.Parallel()
	code, _, stderr := rspthreat(t.Context(), "attack", "flooder", "--patience", "300ms", "--messages", "2",
		"--target", "asap:"+string(association.TCP)+":clear:127.99.99.99:1")
	if code != reports.ExitUnreachable || !strings.Contains(stderr, "could not be made") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
