// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// badCertificate is one that must be refused, because of one check.
type badCertificate struct {
	name   string
	show   tls.Certificate
	expect string // reference identity, "" for the address
	check  pooluser.CertificateChecks
}

// badCertificates are refused by those who trust root.
func badCertificates(t *testing.T, root *authority) []badCertificate {
	intermediate := newAuthority(t, root, "intermediate", valid(-9*day, 9*day))
	expiredIntermediate := newAuthority(t, root, "expired intermediate", valid(-9*day, -day))
	unknown := newAuthority(t, nil, "unknown", valid(-9*day, 9*day))
	leaf := func(issuer *authority, change func(*x509.Certificate)) *authority {
		c := registrarCertificate()
		if change != nil {
			change(&c)
		}
		return newCertificate(t, issuer, c)
	}
	period := func(from, to time.Duration) func(*x509.Certificate) {
		return func(c *x509.Certificate) { v := valid(from, to); c.NotBefore, c.NotAfter = v.NotBefore, v.NotAfter }
	}
	only := func(names []string, addrs ...net.IP) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = names, addrs }
	}
	broken := leaf(root, nil)
	broken.cert.Raw = slices.Clone(broken.cert.Raw)
	broken.cert.Raw[len(broken.cert.Raw)-1] ^= 1

	return []badCertificate{
		{"self-signed", show(leaf(nil, nil)), registrarName, pooluser.CheckChain},
		{"unknown authority", show(leaf(unknown, nil), unknown), registrarName, pooluser.CheckChain},
		{"broken signature", show(broken), registrarName, pooluser.CheckChain},
		{"missing intermediate", show(leaf(intermediate, nil)), registrarName, pooluser.CheckChain},
		{"signed by a certificate that is no authority", func() tls.Certificate {
			no := leaf(root, nil)
			return show(leaf(no, nil), no)
		}(), registrarName, pooluser.CheckChain},
		{"expired", show(leaf(root, period(-2*day, -day))), registrarName, pooluser.CheckTime},
		{"not yet valid", show(leaf(root, period(day, 2*day))), registrarName, pooluser.CheckTime},
		{"expired intermediate", show(leaf(expiredIntermediate, nil), expiredIntermediate), registrarName, pooluser.CheckTime},
		{"wrong name", show(leaf(root, only([]string{"other.example"}))), registrarName, pooluser.CheckName},
		{"wrong address", show(leaf(root, only(nil, net.IPv4(127, 63, 2, 2)))), "", pooluser.CheckName},
		{"name where an address is expected", show(leaf(root, only([]string{"127.63.2.1"}))), "", pooluser.CheckName},
		{"name in the subject only", show(leaf(root, func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames, c.IPAddresses = registrarName, nil, nil
		})), registrarName, pooluser.CheckName},
		{"wildcard for another domain", show(leaf(root, only([]string{"*.other.example"}))), registrarName, pooluser.CheckName},
		{"wildcard for the domain itself", show(leaf(root, only([]string{"*.registrar.example"}))), registrarName, pooluser.CheckName},
		{"wildcard for two labels", show(leaf(root, only([]string{"*.example"}))), "a." + registrarName, pooluser.CheckName},
		{"wildcard in the middle", show(leaf(root, only([]string{"a.*.example"}))), "a." + registrarName, pooluser.CheckName},
		{"wildcard for a part of a label", show(leaf(root, only([]string{"reg*.example"}))), registrarName, pooluser.CheckName},
		{"wildcard for everything", show(leaf(root, only([]string{"*"}))), registrarName, pooluser.CheckName},
		{"for clients only", show(leaf(root, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})), registrarName, pooluser.CheckUsage},
		{"key for signing revocations only", show(leaf(root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })), registrarName, pooluser.CheckUsage},
	}
}

// Draft section 2.7, RFC 5352 section 9.2. Each case is refused because of one
// check, and accepted without it: so it is that check which refuses.
func TestCertificatesThatDoNotIdentifyTheRegistrarAreRefused(t *testing.T) {
	root := newAuthority(t, nil, "root", valid(-9*day, 9*day))
	for _, tc := range badCertificates(t, root) {
		t.Run(tc.name, func(t *testing.T) {
			s := speak(t, association.TCP, &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{tc.show}}})
			s.server.Name = tc.expect
			cred := pooluser.Credentials{RootCAs: pooled(root)}
			err, resolved := s.attempt(t, cred, pooluser.AllCertificateChecks)
			var bad *tls.CertificateVerificationError
			if resolved || !errors.As(err, &bad) && !errors.Is(err, pooluser.ErrCertificate) {
				t.Errorf("resolved: %v; %v, want a refusal of the certificate", resolved, err)
			}
			if got := s.messages.Load(); got != 0 {
				t.Errorf("it was sent %d messages", got)
			}
			if err, resolved := s.attempt(t, cred, pooluser.AllCertificateChecks&^tc.check); !resolved {
				t.Errorf("refused without the check of its %s as well: %v", tc.check, err)
			}
			for _, other := range []pooluser.CertificateChecks{pooluser.CheckChain, pooluser.CheckTime, pooluser.CheckName, pooluser.CheckUsage} {
				if other == tc.check || other == pooluser.CheckChain && len(tc.show.Certificate) > 1 {
					continue // without the chain nobody looks above the certificate itself
				}
				if _, resolved := s.attempt(t, cred, pooluser.AllCertificateChecks&^other); resolved {
					t.Errorf("accepted without the check of its %s", other)
				}
			}
		})
	}
}

func pooled(authorities ...*authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range authorities {
		p.AddCert(a.cert)
	}
	return p
}

func TestCertificatesThatIdentifyTheRegistrarAreAccepted(t *testing.T) {
	root := newAuthority(t, nil, "root", valid(-9*day, 9*day))
	intermediate := newAuthority(t, root, "intermediate", valid(-9*day, 9*day))
	named := func(issuer *authority, names ...string) *authority {
		c := registrarCertificate()
		c.DNSNames = names
		return newCertificate(t, issuer, c)
	}
	free := registrarCertificate()
	free.KeyUsage, free.ExtKeyUsage = 0, nil
	for _, tc := range []struct {
		name      string
		transport association.Transport
		show      tls.Certificate
		expect    string
	}{
		{"name", association.TCP, show(named(root, registrarName)), registrarName},
		{"name in other case", association.TCP, show(named(root, registrarName)), "Registrar.EXAMPLE"},
		{"address", association.TCP, show(named(root, registrarName)), ""},
		{"one of several names", association.TCP, show(named(root, "a.example", registrarName)), registrarName},
		{"wildcard", association.TCP, show(named(root, "*.example")), registrarName},
		{"international name", association.TCP, show(named(root, "xn--bcher-kva.example")), "bücher.example"},
		{"intermediate", association.TCP, show(named(intermediate, registrarName), intermediate), registrarName},
		{"no restriction of usage", association.TCP, show(newCertificate(t, root, free)), registrarName},
		{"over SCTP", association.SCTPUDP, show(named(root, registrarName)), registrarName},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := speak(t, tc.transport, &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{tc.show}}})
			s.server.Name = tc.expect
			if err, resolved := s.attempt(t, pooluser.Credentials{RootCAs: pooled(root)}, pooluser.AllCertificateChecks); !resolved {
				t.Error(err)
			}
		})
	}
}

// "PSK where the registrar knows the PU": both sides prove the key.
func TestPreSharedKeyAuthenticatesTheRegistrar(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	root := newAuthority(t, nil, "root", valid(-9*day, 9*day))
	certificates := &tls.Config{Certificates: []tls.Certificate{show(newCertificate(t, root, registrarCertificate()))}}
	known := func(id string) []byte {
		if id == "pu" {
			return slices.Clone(key)
		}
		return nil
	}
	for _, tc := range []struct {
		name     string
		identity string
		key      []byte
		server   *tlspsk.Config
		ok       bool
	}{
		{"right key", "pu", key, &tlspsk.Config{Lookup: known}, true},
		{"right key beside certificates", "pu", key, &tlspsk.Config{Lookup: known, Certificates: certificates}, true},
		{"wrong key", "pu", []byte("another key, another key, another"), &tlspsk.Config{Lookup: known}, false},
		{"unknown identity", "stranger", key, &tlspsk.Config{Lookup: known}, false},
		{"certificate instead of the key", "pu", key, &tlspsk.Config{Certificates: certificates}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := speak(t, association.TCP, tc.server)
			cred := pooluser.Credentials{PSKIdentity: tc.identity, PSKKey: tc.key, RootCAs: pooled(root)}
			if err, resolved := s.attempt(t, cred, pooluser.AllCertificateChecks); resolved != tc.ok {
				t.Errorf("resolved: %v, want %v; %v", resolved, tc.ok, err)
			}
			if got := s.messages.Load() > 0; got != tc.ok {
				t.Errorf("it was sent a message: %v", got)
			}
		})
	}
}

// A registrar in clear behind the TLS port never sees a request.
func TestRegistrarWithoutTLSIsRefused(t *testing.T) {
	root := newAuthority(t, nil, "root", valid(-9*day, 9*day))
	s := speak(t, association.TCP, nil)
	if err, resolved := s.attempt(t, pooluser.Credentials{RootCAs: pooled(root)}, pooluser.AllCertificateChecks); resolved || err == nil {
		t.Errorf("resolved: %v, %v", resolved, err)
	}
	if got := s.messages.Load(); got != 0 {
		t.Errorf("it was sent %d requests", got)
	}
}
