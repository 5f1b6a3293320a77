// SPDX-License-Identifier: Apache-2.0

package conversation_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
)

const example = `rspthreat-script 1
# a comment
repeat 3
open a asap tcp clear as nobody
send a 05000010 0009000c 4563686f 506f6f6c  # ASAP_HANDLE_RESOLUTION pool "EchoPool"
sync a
open b enrp sctp-udp tls as peer
send b ppid=11 stream=2 05000010 <server> <victim>  # ENRP_LIST_REQUEST
send b <address6.0> <address6.1> <address6.2> <address6.3>
abort b
restart
idle 1.5s
open a asap tcp clear as nobody
send a empty  # nothing
close a
`

func TestTextIsReadAsItIsWritten(t *testing.T) {
	s, err := conversation.Parse(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if s.Messages() != 4 || len(s.Steps) != 12 || s.Repeat != 3 {
		t.Errorf("%d messages, %d steps", s.Messages(), len(s.Steps))
	}
	again, err := conversation.Parse(strings.NewReader(s.Format()))
	if err != nil {
		t.Fatalf("%v:\n%s", err, s.Format())
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(s.Format(), "<server> <victim>") {
		t.Errorf("placeholders are lost:\n%s", s.Format())
	}
}

func TestMistakesInAScriptAreNamedWithTheirLine(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"hello\n", "does not begin with"},
		{"rspthreat-script 1\n", "no steps"},
		{"rspthreat-script 1\nsend a 00", `line 2: association "a" is not open`},
		{"rspthreat-script 1\nrepeat 0", "line 2: repeat"},
		{"rspthreat-script 1\nidle for ever", "line 2: idle"},
		{"rspthreat-script 1\n\nopen a asap tcp tls as nobody", "line 3: nobody through a tls door"},
		{"rspthreat-script 1\nopen a asap pigeon clear as nobody", "unknown transport"},
		{"rspthreat-script 1\nopen a asap tcp clear as nobody\nsend a 0", `line 3: "0" is no hexadecimal`},
		{"rspthreat-script 1\nopen a asap tcp clear as nobody\nsend a <king>", "unknown value <king>"},
		{"rspthreat-script 1\nopen a asap tcp clear as nobody\nsend a stream=70000 00", "unknown option"},
		{"rspthreat-script 1\nopen a asap tcp clear as nobody\ndance a", `unknown step "dance"`},
		{"rspthreat-script 1\nopen a asap tcp clear as nobody\nclose a now", `"now" after close a`},
	} {
		_, err := conversation.Parse(strings.NewReader(row.text))
		if !errors.Is(err, conversation.ErrScript) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v, want %q", row.text, err, row.want)
		}
	}
	if _, err := conversation.Parse(strings.NewReader("rspthreat-script 2\n")); !errors.Is(err, conversation.ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

func TestPlaceholdersAreReplacedAndNothingElse(t *testing.T) {
	v := conversation.Values{Server: 1, Victim: 2, Element: 3, Address: netip.MustParseAddr("192.0.2.7")}
	in := []byte{9, 0xf1, 0xa5, 0x7e, 0x01, 0xf1, 0xa5, 0x7e, 0x04, 0xf1, 0xa5, 0x7e, 0x09, 0xf1, 0xa5}
	want := []byte{9, 0, 0, 0, 1, 192, 0, 2, 7, 0xf1, 0xa5, 0x7e, 0x09, 0xf1, 0xa5}
	if diff := cmp.Diff(want, v.Fill(nil, in)); diff != "" {
		t.Error(diff)
	}
}
