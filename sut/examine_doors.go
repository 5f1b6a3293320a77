// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// doors comes to every door as each honest node does.
func (x *examination) doors(ctx context.Context) {
	for _, d := range x.Doors() {
		if d.Transport == association.UDP {
			continue // nobody answers there
		}
		reaching, cancel := context.WithTimeout(ctx, reachTimeout)
		err := knock(reaching, d)
		cancel()
		if err != nil {
			x.unreachable(d, err)
			continue
		}
		if d.Secured {
			x.securedDoor(ctx, d)
		} else {
			x.clearDoor(ctx, d)
		}
	}
	if x.cfg.Security == Secured {
		x.missing()
	}
}

// missing says what else could be given.
func (x *examination) missing() {
	for _, k := range []struct {
		name string
		have bool
		lack string
	}{
		{"credentials.other_element", x.creds.Other != nil, "section 2.3 is judged without a second element"},
		{"credentials.restricted_element", x.creds.Restricted != nil, "section 2.4 is judged without an element of another pool"},
		{"credentials.peer", x.creds.Peer != nil, "nobody looks at the handle table, so verdicts are less certain"},
		{"credentials.ca_file", x.creds.RootCAs != nil, "nobody comes as a pool user with a certificate check"},
	} {
		if !k.have {
			x.find(Caution, k.name, "", "is not given: %s", k.lack)
		}
	}
}

func (x *examination) unreachable(d Door, err error) {
	advice := "is it running, is the address right, does a firewall drop it?"
	switch {
	case errors.Is(err, errRefused):
		advice = "is it running, and are port and transport right?"
	case errors.Is(err, association.ErrNotPermitted):
		advice = "run as root, or: setcap cap_net_raw+ep rspthreat"
	case errors.Is(err, association.ErrNoKernelSCTP):
		advice = "modprobe sctp, or use transport sctp, which is in user space"
	}
	x.find(Bad, d.String(), advice, "takes no association: %v", err)
}

// credential is one way to come to a secured door.
type credential struct {
	name string
	tls  *tlspsk.Config
}

// credentialsFor are the ways in which honest nodes come to a door.
func (x *examination) credentialsFor(d Door) []credential {
	var out []credential
	keys := []*PSK{x.creds.Element, x.creds.Other, x.creds.Restricted}
	if d.Protocol == wire.ENRP {
		keys = []*PSK{x.creds.Peer}
	}
	for _, k := range keys {
		if k != nil {
			out = append(out, credential{"key of " + k.Identity, &tlspsk.Config{PSKIdentity: k.Identity, PSKKey: k.Key}})
		}
	}
	if d.Protocol == wire.ASAP && x.creds.RootCAs != nil {
		out = append(out, credential{"certificate", &tlspsk.Config{Certificates: &tls.Config{
			RootCAs: x.creds.RootCAs, ServerName: x.creds.ServerName, MinVersion: tls.VersionTLS12,
		}}})
	}
	return out
}

func (x *examination) securedDoor(ctx context.Context, d Door) {
	for n, c := range x.credentialsFor(d) {
		subject := d.String() + ", " + c.name
		err := x.handshake(ctx, d, c.tls)
		if err == nil {
			x.good(subject, "the handshake succeeds")
			continue
		}
		if n == 0 && x.asksInClear(ctx, d) != silent {
			x.find(Bad, subject, "take tls: true from this door, or give the port that has TLS", "it answers in clear, without TLS")
			return
		}
		advice := handshakeAdvice(err, c)
		x.find(Bad, subject, advice, "the handshake fails: %v", err)
	}
}

// handshakeAdvice says what is most probably wrong.
func handshakeAdvice(err error, c credential) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert *tlspsk.AlertError
	switch {
	case errors.As(err, &authority):
		return "credentials.ca_file must be the authority that signed the registrar's certificate"
	case errors.As(err, &name):
		return "credentials.server_name must be a name in the registrar's certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate, or set the clock"
	case errors.As(err, &alert) && slices.Contains([]string{"unknown_psk_identity", "decrypt_error", "bad_record_mac", "handshake_failure", "illegal_parameter"}, alert.Received) && c.tls.PSKIdentity != "":
		return "does the system know this identity, with the same key as psk_file?"
	case c.tls.PSKIdentity != "":
		return "does this port have TLS with pre-shared keys, and does the system know this identity with the same key as psk_file?"
	}
	return "does this port show a certificate to those who have no key?"
}

func (x *examination) handshake(ctx context.Context, d Door, config *tlspsk.Config) error {
	a, err := x.dial(ctx, d, config)
	if err != nil {
		return err
	}
	a.Abort("only looking")
	return nil
}

func (x *examination) dial(ctx context.Context, d Door, config *tlspsk.Config) (association.Association, error) {
	ctx, cancel := context.WithTimeout(ctx, x.times.Response)
	defer cancel()
	dialer := association.Dialer{
		Transport: d.Transport, UDPPort: d.EncapsulationPort, PPID: d.Protocol.PPID(), Local: x.nextLocal(), TLS: config,
	}
	return dialer.Dial(ctx, d.Addr)
}

// clearDoor asks what the door must answer in clear: a resolution. Of ENRP nothing is asked,
// as a question may change the registrar's list of peers.
func (x *examination) clearDoor(ctx context.Context, d Door) {
	switch {
	case x.speaksTLS(ctx, d):
		x.find(Bad, d.String(), "write tls: true for this door, or give the port in clear", "it speaks TLS")
	case d.Protocol == wire.ENRP:
		x.good(d.String(), "takes associations")
	case x.cfg.Security == Secured:
		x.good(d.String(), "takes associations in clear, as an attacker finds it")
	case x.asksInClear(ctx, d) == answered:
		x.good(d.String(), "answers a handle resolution")
	default:
		x.find(Bad, d.String(), "is this the port of ASAP? is timers.response long enough?", "does not answer a handle resolution within %s", x.times.Response)
	}
}

// speaksTLS tells whether somebody answers a ClientHello with TLS, be it with an alert.
func (x *examination) speaksTLS(ctx context.Context, d Door) bool {
	for _, config := range []*tlspsk.Config{
		{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}, //nolint:gosec // nothing is sent
		{PSKIdentity: "rspthreat doctor", PSKKey: make([]byte, pskLength)},
	} {
		err := x.handshake(ctx, d, config)
		var alert *tlspsk.AlertError
		if err == nil || errors.As(err, &alert) && alert.Received != "" {
			return true
		}
	}
	return false
}

// reply is what came of a question in clear.
type reply uint8

const (
	silent   reply = iota // nothing that is ASAP
	refused               // an answer that refuses
	answered              // an answer, be it that there is no such pool
)

// asksInClear asks an ASAP door for the pool, without TLS.
func (x *examination) asksInClear(ctx context.Context, d Door) reply {
	if d.Protocol != wire.ASAP {
		return silent
	}
	a, err := x.dial(ctx, d, nil)
	if err != nil {
		return silent
	}
	defer func() { _ = a.Abort("only looking") }()
	ctx, cancel := context.WithTimeout(ctx, x.times.Response)
	defer cancel()
	options := x.cfg.wire()
	question, err := (&wire.HandleResolution{PoolHandle: wire.PoolHandle(x.cfg.Pool)}).Append(nil, &options)
	if err != nil || a.Send(ctx, association.Message{Payload: question}) != nil {
		return silent
	}
	for {
		m, err := a.Receive(ctx)
		if err != nil {
			return silent
		}
		message, err := wire.Decode(wire.ASAP, m.Payload, &options)
		if err != nil {
			return silent
		}
		switch answer := message.(type) {
		case *wire.HandleResolutionResponse:
			if slices.ContainsFunc(answer.Causes, func(c wire.Cause) bool { return c.Code == wire.CauseSecurity }) {
				return refused
			}
			return answered
		case *wire.ASAPError:
			return refused
		}
	}
}
