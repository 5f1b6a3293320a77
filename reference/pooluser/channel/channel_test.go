// SPDX-License-Identifier: Apache-2.0

package channel_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// script is an association that delivers prepared messages and keeps what is sent.
type script struct {
	association.Association
	info association.Info
	in   []association.Message
	sent []association.Message
}

func (s *script) Info() association.Info { return s.info }

func (s *script) Send(_ context.Context, m association.Message) error {
	s.sent = append(s.sent, m)
	return nil
}

func (s *script) Receive(context.Context) (association.Message, error) {
	if len(s.in) == 0 {
		return association.Message{}, io.EOF
	}
	m := s.in[0]
	s.in = s.in[1:]
	return m, nil
}

var (
	clearSCTP  = association.Info{Transport: association.SCTPUDP}
	secureSCTP = association.Info{Transport: association.SCTP, Secured: true}
	clearTCP   = association.Info{Transport: association.TCP}
	secureTCP  = association.Info{Transport: association.TCP, Secured: true}
)

const dataPPID = 77

func open(t *testing.T, s *script) *channel.Channel {
	t.Helper()
	c, err := channel.New(s, channel.Options{DataPPID: dataPPID})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func octets(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A cookie of three octets, by hand from RFC 5352 section 2.2.11 and RFC 5354 section 3.13.
const (
	cookieHex     = "0b00000b 000d0007 61626300"
	cookieEchoHex = "0c00000b 000d0007 61626300"
)

func TestDataAndControlGoOutAsTheFormatSays(t *testing.T) {
	for _, tc := range []struct {
		name        string
		info        association.Info
		data        string
		dataPPID    uint32
		controlPPID uint32
	}{
		{"clear SCTP", clearSCTP, "68656c6c6f", dataPPID, 11},
		{"TLS over SCTP", secureSCTP, "44000009 68656c6c6f", dataPPID, 11},
		{"clear TCP", clearTCP, "44000009 68656c6c6f", dataPPID, 11},
		{"TLS over TCP", secureTCP, "44000009 68656c6c6f", dataPPID, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{info: tc.info}
			c := open(t, s)
			if err := c.SendData(t.Context(), []byte("hello")); err != nil {
				t.Fatal(err)
			}
			if err := c.SendControl(t.Context(), &wire.CookieEcho{Value: []byte("abc")}); err != nil {
				t.Fatal(err)
			}
			want := []association.Message{
				{Payload: octets(t, tc.data), PPID: tc.dataPPID},
				{Payload: octets(t, cookieEchoHex), PPID: tc.controlPPID},
			}
			for i, w := range want {
				if got := s.sent[i]; !bytes.Equal(got.Payload, w.Payload) || got.PPID != w.PPID {
					t.Errorf("message %d: PPID %d %x, want PPID %d %x", i, got.PPID, got.Payload, w.PPID, w.Payload)
				}
			}
		})
	}
}

func TestReceiveTellsDataFromControl(t *testing.T) {
	for _, tc := range []struct {
		name    string
		info    association.Info
		ppid    uint32
		payload string
		data    string
		cookie  string
	}{
		{"data by PPID", clearSCTP, 0, "0b00", "\x0b\x00", ""},
		{"data that looks like a cookie", clearSCTP, dataPPID, cookieHex, "\x0b\x00\x00\x0b\x00\x0d\x00\x07abc\x00", ""},
		{"control by PPID", clearSCTP, 11, cookieHex, "", "abc"},
		{"framed data with padding", clearTCP, dataPPID, "44000009 68656c6c6f 000000", "hello", ""},
		{"framed data without padding", secureSCTP, dataPPID, "44000009 68656c6c6f", "hello", ""},
		{"framed data, flags ignored", secureTCP, dataPPID, "44ff0005 61000000", "a", ""},
		{"framed control", secureTCP, dataPPID, cookieHex, "", "abc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{info: tc.info, in: []association.Message{{Payload: octets(t, tc.payload), PPID: tc.ppid}}}
			got, err := open(t, s).Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Data) != tc.data {
				t.Errorf("data %q, want %q", got.Data, tc.data)
			}
			if tc.cookie == "" {
				if got.Control != nil {
					t.Errorf("control message %s, want data", got.Control.Name())
				}
				return
			}
			if c, ok := got.Control.(*wire.Cookie); !ok || string(c.Value) != tc.cookie {
				t.Errorf("control %#v, want cookie %q", got.Control, tc.cookie)
			}
		})
	}
}

// RFC 5354 sections 3 and 4: the four actions for what is unknown.
func TestUnknownMessagesAndParametersFollowTheirActionBits(t *testing.T) {
	for _, tc := range []struct {
		name, payload string
		report        string // the ASAP_ERROR owed, "" for none
		delivered     bool
	}{
		{"message, discard", "20000004", "", false},
		{"message, discard and report", "60000008 01020304", "0e000014 000c0010 0002000c 60000008 01020304", false},
		{"parameter, stop", "0d000010 20000008 00000000 00000000", "", false},
		{"parameter, stop and report", "0b000013 60000008 01020304 000d0007 61626300", "0e000014 000c0010 0001000c 60000008 01020304", false},
		{"parameter, skip", "0b000013 90000008 01020304 000d0007 61626300", "", true},
		{"parameter, skip and report", "0b000013 d0000008 01020304 000d0007 61626300", "0e000014 000c0010 0001000c d0000008 01020304", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{info: clearTCP, in: []association.Message{
				{Payload: octets(t, tc.payload)}, {Payload: octets(t, "44000005 21000000")},
			}}
			c := open(t, s)
			got, err := c.Receive(t.Context())
			if tc.delivered {
				if err != nil || got.Control == nil {
					t.Fatalf("got %#v, %v: want the cookie", got, err)
				}
				got, err = c.Receive(t.Context())
			}
			if err != nil || string(got.Data) != "!" {
				t.Errorf("got %q, %v: the channel should go on", got.Data, err)
			}
			switch {
			case tc.report == "" && len(s.sent) != 0:
				t.Errorf("sent %x, want nothing", s.sent[0].Payload)
			case tc.report != "" && (len(s.sent) != 1 || !bytes.Equal(s.sent[0].Payload, octets(t, tc.report))):
				t.Errorf("sent %x, want one %s", s.sent, tc.report)
			}
		})
	}
}

func TestMalformedMessagesAreErrors(t *testing.T) {
	for _, tc := range []struct {
		name, payload string
		info          association.Info
	}{
		{"cookie cut off", "0b00000c 000d0020", clearTCP},
		{"cookie cut off on SCTP", "0b00000c 000d0020", clearSCTP},
		{"data without octets", "44000004", clearTCP},
		{"data longer than the message", "440000ff 61", secureSCTP},
		{"no header", "44", clearTCP},
		{"nothing", "", secureSCTP},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{info: tc.info, in: []association.Message{{Payload: octets(t, tc.payload), PPID: 11}}}
			got, err := open(t, s).Receive(t.Context())
			if !errors.Is(err, channel.ErrMalformed) || len(s.sent) != 0 {
				t.Errorf("got %#v, %v and %d answers, want ErrMalformed alone", got, err, len(s.sent))
			}
		})
	}
}

func TestDataSizeIsBounded(t *testing.T) {
	for _, info := range []association.Info{clearSCTP, clearTCP} {
		for size, ok := range map[int]bool{0: false, 1: true, channel.MaxData: true, channel.MaxData + 1: false} {
			s := &script{info: info}
			err := open(t, s).SendData(t.Context(), make([]byte, size))
			if ok != (err == nil) || ok != (len(s.sent) == 1) || !ok && !errors.Is(err, channel.ErrSize) {
				t.Errorf("%s, %d octets: %v, %d messages", info.Transport, size, err, len(s.sent))
			}
		}
	}
}

func TestDataNeverGetsTheIdentifierOfControl(t *testing.T) {
	if _, err := channel.New(&script{}, channel.Options{DataPPID: 11}); !errors.Is(err, channel.ErrDataPPID) {
		t.Errorf("got %v, want ErrDataPPID", err)
	}
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{"44000005 61000000", cookieHex, "60000008 01020304", "0d00000c 00090005 61000000"} {
		b, err := hex.DecodeString(strings.ReplaceAll(seed, " ", ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &script{info: clearTCP, in: []association.Message{{Payload: b}}}
		got, err := open(t, s).Receive(t.Context())
		if err == nil && len(got.Data) == 0 && got.Control == nil {
			t.Errorf("%x: neither data nor control", b)
		}
		if len(s.sent) > 1 {
			t.Errorf("%x: %d answers to one message", b, len(s.sent))
		}
	})
}
