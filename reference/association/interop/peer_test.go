//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// What the peer in the guest is told by a message; others it sends back.
const (
	askClose = "peer, close"
	askAbort = "peer, abort"
	// abortReason is what either side says in its ABORT.
	abortReason = "had enough"
)

const (
	pskIdentity = "pe-1"
	pskKey      = "0123456789abcdef0123456789abcdef"
	certName    = "registrar"
)

// peer is the program in the guest: kernel-peer dial|listen ADDRESS SECURITY
// CERTIFICATE. It carries one association and prints how that ended.
func peer(args []string) int {
	if len(args) != 4 {
		fmt.Fprintf(os.Stderr, "arguments %q\n", args)
		return 1
	}
	a, err := openPeer(args[0], netip.MustParseAddrPort(args[1]), args[2], args[3])
	if err == nil {
		fmt.Printf("%s %v\n", a.Info().Identity.Name, a.Info().PeerAddrs)
		err = serve(a)
	}
	fmt.Printf("ended: %v\n", err)
	return 0
}

// openPeer sets the association up over kernel SCTP.
func openPeer(how string, at netip.AddrPort, security, certificate string) (association.Association, error) {
	client, server, err := credentials(security, certificate)
	if err != nil {
		return nil, err
	}
	if how == "dial" {
		d := association.Dialer{Transport: association.SCTPKernel, PPID: 11, TLS: client}
		return d.Dial(context.Background(), at)
	}
	l, err := association.Listen(context.Background(), association.ListenConfig{
		Transport: association.SCTPKernel, Addr: at, PPID: 11, TLS: server,
	})
	if err != nil {
		return nil, err
	}
	return l.Accept(context.Background())
}

// serve returns every message with its PPID and stream until the end.
func serve(a association.Association) error {
	for {
		m, err := a.Receive(context.Background())
		if err != nil {
			return err
		}
		switch string(m.Payload[4:]) {
		case pad(askClose):
			return errors.Join(a.Close(context.Background()), a.Err())
		case pad(askAbort):
			return errors.Join(a.Abort(abortReason), a.Err())
		}
		if err := a.Send(context.Background(), m); err != nil {
			return err
		}
	}
}

// pad makes the text of a message a multiple of four octets.
func pad(s string) string { return s + string(make([]byte, -len(s)&3)) }

// credentials returns the configurations of both roles.
func credentials(security, certificate string) (client, server *tlspsk.Config, err error) {
	switch security {
	case "psk":
		lookup := func(id string) []byte {
			if id == pskIdentity {
				return []byte(pskKey)
			}
			return nil
		}
		return &tlspsk.Config{PSKIdentity: pskIdentity, PSKKey: []byte(pskKey)}, &tlspsk.Config{Lookup: lookup}, nil
	case "certificate":
		pair, err := tls.LoadX509KeyPair(certificate, certificate)
		if err != nil {
			return nil, nil, err
		}
		roots := x509.NewCertPool()
		roots.AddCert(pair.Leaf)
		return &tlspsk.Config{Certificates: &tls.Config{RootCAs: roots, ServerName: certName}},
			&tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{pair}}}, nil
	}
	return nil, nil, nil
}
