// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_16Element: Cookie mechanism security, on pool elements.
//
// "If TCP is selected as the transport, then the data and control channel MUST be
// multiplexed. [...] A second issue is that the PE could choose to sign and/or encrypt the
// cookie."
func section2_16Element() []engine.Check {
	return []engine.Check{{
		ID: "2.16-pe-cookie", Section: "2.16", Role: engine.PoolElement, Rung: 1,
		Title:        "An element leaves a cookie with its user, and others echo it",
		Requirements: []string{"T2.16-R1", "T2.16-R2", "T2.16-R3"},
		Threat: reports.Threat{
			Attacker:     "a node that listens between the element and its user, and users that forge cookies or come with another's",
			Precondition: "cookies travel in the connection of the data, and an element believes those of its pool only",
			Effect:       "who has a cookie goes on with another's session, in the state that it likes",
			Mitigation:   "One connection for data and control; the reference also signs cookies for a user, with a key of the pool.",
			Residual:     "A signed cookie can be read by its user, and echoed more than once; its contents are the application's.",
		},
		Applies: needsElementKey, Run: cookiesOfElement,
	}}
}

// cookieKeyLength is that of the hash that a cookie is likely to be signed with.
const cookieKeyLength = 32

// cookieUser is a user of the element, as the harness plays it.
type cookieUser struct {
	*elementStage
	at     netip.Addr      // where the user is
	door   script.Door     // of the element's service
	aside  *script.Station // where the user would find a second connection
	cookie []byte
	beside bool // the cookie came by another connection than the data
}

func cookiesOfElement(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := setElement(ctx, r, withService)
	defer s.leave(ctx)
	u := &cookieUser{elementStage: s, at: r.Instance.Local()}
	defer u.close()
	u.served(ctx)
	var read []string
	r.Passive(ctx, "listen to the user and the element", func(_ context.Context, g gomega.Gomega) string {
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		read = ear.Reads([]attackers.Secret{{What: "the cookie", Bytes: u.cookie}})
		return "can be read: " + list(read)
	})
	believed, refuses := u.impostors(ctx)
	r.Canary(ctx, "the user is still served", func(ctx context.Context, g gomega.Gomega) string {
		n, err := u.come(ctx, "pu honest", u.at, false)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the service")
		defer n.Abort()
		g.Expect(u.exchange(ctx, n)).To(gomega.Succeed(), "send data")
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it gets another cookie, and the element is alive"
	})
	r.Oracle(ctx, "the cookie comes over the connection of the data, and there is no other one", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(u.beside).To(gomega.BeFalse(), "the cookie came over another connection than the data")
		g.Expect(u.aside.Attempts()).To(gomega.BeZero(), "the element opened another connection to the user")
		return "one connection carries data and cookie"
	}, "T2.16-R1")
	r.Oracle(ctx, "the cookie cannot be read beside data that is secured", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(u.door.Secured && len(read) > 0).To(gomega.BeFalse(), "data go over TLS, and an eavesdropper reads %s", list(read))
		return "the cookie is as secured as the data"
	}, "T2.16-R2")
	r.Oracle(ctx, "cookies that are not the user's own are refused", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(believed).To(gomega.BeEmpty(), "the element believes %s", strings.Join(believed, ", "))
		if !refuses {
			return "the element does not tell which cookies it believes"
		}
		return "forged, tampered, outdated and other users' cookies are refused"
	}, "T2.16-R3")
}

// withService has the element serve users over TCP, under TLS where the system is secured,
// and leave cookies.
func withService(s *elementStage) {
	s.run.Baseline(context.Background(), "the element gets a key for cookies and a certificate", func(_ context.Context, g gomega.Gomega) string {
		s.spec.CookieKey = make([]byte, cookieKeyLength)
		_, err := rand.Read(s.spec.CookieKey)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
		s.spec.Service = sut.Service{
			Transport: association.TCP, Addr: netip.AddrPortFrom(s.run.Instance.Node, 0), Secured: s.spec.Security == sut.Secured,
		}
		if !s.spec.Service.Secured {
			return "it serves in clear"
		}
		certificate, err := attackers.SelfSigned(s.run.Instance.Node.String()) // the user does not look at it
		g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
		s.spec.Service.Certificate, s.spec.Service.Key, err = inPEM(certificate)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
		return "it serves over TLS"
	})
}

func inPEM(c tls.Certificate) (certificate, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func (u *cookieUser) close() {
	if u.aside != nil {
		u.aside.Close()
	}
}

// served takes the baseline: a user that finds the element by its registration sends data,
// and gets a cookie, by whatever connection.
func (u *cookieUser) served(ctx context.Context) {
	r := u.run
	r.Baseline(ctx, "a pool user comes to the element's service", func(ctx context.Context, g gomega.Gomega) string {
		t := u.registered.Element.User
		g.Expect(t.Kind).To(gomega.Equal(wire.TransportTCP), "the element registers another transport than TCP")
		g.Expect(t.Addrs).NotTo(gomega.BeEmpty(), "the element registers no address")
		u.door = script.Door{
			Protocol: wire.ASAP, Transport: association.TCP, Secured: u.spec.Service.Secured, Addr: netip.AddrPortFrom(t.Addrs[0], t.Port),
		}
		certificate, err := attackers.SelfSigned(u.at.String())
		g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
		// Where an element would look for a second connection that RFC 5352 does not know: the ports of ASAP.
		u.aside, err = script.Listen(ctx, script.StationOptions{
			Name: "pu honest", Peer: "pe", Wire: r.Instance.Wire, Recorder: r.World.Recorder,
			TLS: &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}},
		},
			script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(u.at, wire.PortASAP)},
			script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(u.at, wire.PortASAPTLS)})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "listen beside the user")
		return "it is at " + u.door.Addr.String()
	})
	r.Need(ctx, "the user sends data, and the element leaves a cookie with it", func(ctx context.Context) (string, error) {
		n, err := u.come(ctx, "pu honest", u.at, false)
		if err != nil {
			return "", err
		}
		defer n.Abort()
		return "a cookie came", u.exchange(ctx, n)
	})
}

// come connects a user from an address.
func (u *cookieUser) come(ctx context.Context, name string, at netip.Addr, hostile bool) (*script.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, u.run.Instance.Timers.Response)
	defer cancel()
	o := script.Options{
		Name: name, Peer: "pe", Door: u.door, Local: at, Wire: u.run.Instance.Wire, Recorder: u.run.World.Recorder, Hostile: hostile,
	}
	if u.door.Secured {
		o.TLS = &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // users' trust in elements is the application's
	}
	return script.Open(ctx, o)
}

// exchange sends data and waits for a cookie, over the same association or another one.
func (u *cookieUser) exchange(ctx context.Context, n *script.Node) error {
	data := append([]byte{channel.TypeData, 0, 0, 12}, "rspthrea"...) // the format of channel, which tells data from control
	known := len(u.aside.Nodes())
	if err := n.SendBytes(ctx, data); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, u.run.Instance.Timers.Response)
	defer cancel()
	waiting, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	var other wire.Message
	go func() {
		defer close(over)
		aside, err := u.aside.AwaitNode(waiting, known)
		if err == nil {
			other, err = aside.Await(waiting, isCookie)
		}
		if err == nil {
			stop()
		}
	}()
	m, err := n.Await(waiting, isCookie)
	stop()
	<-over
	switch {
	case err == nil:
		u.cookie = slices.Clone(m.(*wire.Cookie).Value)
	case other != nil:
		u.beside, u.cookie = true, slices.Clone(other.(*wire.Cookie).Value)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: the element leaves no cookie", sut.ErrUnsupported)
	default:
		return err
	}
	return nil
}

func isCookie(m wire.Message) bool {
	_, ok := m.(*wire.Cookie)
	return ok
}

// impostors echo cookies that are not theirs, and tells which the element believes, and
// whether it tells at all.
func (u *cookieUser) impostors(ctx context.Context) (believed []string, tells bool) {
	r := u.run
	tampered := slices.Clone(u.cookie)
	tampered[len(tampered)/2] ^= 1
	echoes := []struct {
		what   string
		at     netip.Addr
		cookie []byte
		fresh  bool // after the element was given another key
	}{
		{"a forged cookie", u.at, make([]byte, len(u.cookie)), false},
		{"a cookie that was tampered with", u.at, tampered, false},
		{"another user's cookie", r.Instance.Local(), u.cookie, false},
		{"a cookie from before the key was changed", u.at, u.cookie, true},
	}
	r.Attack(ctx, "echo cookies that are forged, tampered with, another user's or outdated", func(ctx context.Context, g gomega.Gomega) string {
		if tells = u.genuine(ctx, g); !tells {
			return "the element does not tell what it makes of cookies"
		}
		for _, e := range echoes {
			if e.fresh {
				_, err := rand.Read(u.spec.CookieKey)
				g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
				_ = u.stop(ctx)
				since := u.now()
				g.Expect(u.start(ctx)).To(gomega.Succeed(), "start the element with another key")
				u.registers(ctx, g, since)
				t := u.registered.Element.User
				u.door.Addr = netip.AddrPortFrom(t.Addrs[0], t.Port)
			}
			if u.echo(ctx, g, e.at, e.cookie, true) {
				believed = append(believed, e.what)
			}
		}
		return fmt.Sprintf("%d cookies echoed, believed: %s", len(echoes), list(believed))
	})
	return believed, tells
}

// genuine is the control experiment: the user's own cookie is believed, and the element says
// so.
func (u *cookieUser) genuine(ctx context.Context, g gomega.Gomega) bool {
	return u.echo(ctx, g, u.at, u.cookie, false)
}

// echo comes anew and echoes a cookie, and tells whether the element believes it.
func (u *cookieUser) echo(ctx context.Context, g gomega.Gomega, at netip.Addr, cookie []byte, hostile bool) bool {
	name := "pu honest"
	if hostile {
		name = attackers.Name
	}
	believed, refused := u.events.count(sut.EventCookie), u.events.count(sut.EventCookieRefused)
	n, err := u.come(ctx, name, at, hostile)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "come to the service")
	defer n.Abort()
	g.Expect(n.Send(ctx, &wire.CookieEcho{Value: cookie})).To(gomega.Succeed(), "echo a cookie")
	ctx, cancel := context.WithTimeout(ctx, u.run.Instance.Timers.Response)
	defer cancel()
	_ = u.events.await(ctx, believed+refused+1, sut.EventCookie, sut.EventCookieRefused) // who tells nothing is not believed to believe
	return u.events.count(sut.EventCookie) > believed
}
