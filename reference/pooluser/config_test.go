// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
)

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	roots := pooluser.Credentials{RootCAs: x509.NewCertPool()}
	good := server(addr1)
	for _, tc := range []struct {
		name string
		cfg  pooluser.Config
		want error
	}{
		{"secured", pooluser.Config{Servers: []pooluser.Server{good}, Credentials: roots}, nil},
		{"pre-shared key", pooluser.Config{Servers: []pooluser.Server{good}, Credentials: pooluser.Credentials{PSKIdentity: "pu", PSKKey: make([]byte, 16)}}, nil},
		{"clear", pooluser.Config{Mode: pooluser.Clear, Servers: []pooluser.Server{good}}, nil},
		{"nowhere to look", pooluser.Config{Credentials: roots}, pooluser.ErrNoServers},
		{"nothing to check certificates with", pooluser.Config{Servers: []pooluser.Server{good}}, pooluser.ErrNoCredentials},
		{"four associations", pooluser.Config{Servers: []pooluser.Server{good}, Credentials: roots, Limits: pooluser.Limits{Associations: 4}}, pooluser.ErrConfig},
		{"unknown transport", pooluser.Config{Servers: []pooluser.Server{{Transport: "udp", Addr: good.Addr}}, Credentials: roots}, pooluser.ErrConfig},
		{"no address", pooluser.Config{Servers: []pooluser.Server{{Transport: association.TCP}}, Credentials: roots}, pooluser.ErrConfig},
		{"data as ASAP", pooluser.Config{Servers: []pooluser.Server{good}, Credentials: roots, Elements: pooluser.Elements{DataPPID: 11}}, pooluser.ErrConfig},
		{"elements on SCTP over TCP", pooluser.Config{Servers: []pooluser.Server{good}, Credentials: roots, Elements: pooluser.Elements{SCTP: association.TCP}}, pooluser.ErrConfig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := pooluser.New(t.Context(), tc.cfg)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if err == nil {
				u.Close(context.Background())
			}
		})
	}
}

func TestPortOfARegistrarIsTheRegisteredOne(t *testing.T) {
	for mode, want := range map[pooluser.Mode]uint16{pooluser.Secured: 3864, pooluser.Clear: 3863} {
		u, err := pooluser.New(t.Context(), pooluser.Config{
			Mode: mode, Credentials: pooluser.Credentials{RootCAs: x509.NewCertPool()},
			Servers: []pooluser.Server{{Transport: association.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:0")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Servers()[0].Addr.Port(); got != want {
			t.Errorf("%s: port %d, want %d", mode, got, want)
		}
		u.Close(context.Background())
	}
}

// Secured elements need something to authenticate them with; asking a registrar does not.
func TestOpenNeedsCredentialsForElements(t *testing.T) {
	n := newNetwork(t)
	n.registrar("good", addr1, listed(peA))
	u := n.start(func(c *pooluser.Config) { c.Elements.Credentials = pooluser.Credentials{} }, addr1)
	if _, err := u.Resolve(within(t, time.Minute), pool); err != nil {
		t.Error(err)
	}
	if _, err := u.Open(within(t, time.Minute), pool); !errors.Is(err, pooluser.ErrNoElementCredentials) {
		t.Errorf("got %v, want ErrNoElementCredentials", err)
	}
}

func TestClearPoolUserUsesNoTLS(t *testing.T) {
	n := newNetwork(t)
	r := n.registrar("clear", addr1, listed(peA))
	u := n.start(func(c *pooluser.Config) { c.Mode = pooluser.Clear }, addr1)
	if _, err := u.Resolve(within(t, time.Minute), pool); err != nil || r.target().TLS != nil {
		t.Errorf("%v; TLS %v", err, r.target().TLS)
	}
}
