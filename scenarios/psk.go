// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// pskHandshake judges TLS with pre-shared keys itself, so nothing of it can be the baseline:
// a system that lacks it is not inconclusive.
func pskHandshake(ctx context.Context, r *engine.Run) {
	if r.Instance.Security == sut.Clear {
		noTLS(ctx, r)
		return
	}
	doors := site(r).Secured(wire.ASAP)
	key := r.Instance.Credentials.Element
	r.Baseline(ctx, "the TLS doors take associations", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(doors).NotTo(gomega.BeEmpty(), "there is no ASAP door with TLS")
		for _, door := range doors {
			n, err := script.Open(ctx, plainOptions(r, "pe honest", door, nil))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "open an association")
			n.Abort()
		}
		return fmt.Sprintf("%d doors take associations", len(doors))
	})
	refused := make(map[script.Door]error)
	r.Baseline(ctx, "the right key is either admitted or refused as a suite, not as a key", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range doors {
			err := resolveWith(ctx, r, door, actor.PSKConfig(key))
			refused[door] = err
			var alert *tlspsk.AlertError
			g.Expect(err == nil || errors.As(err, &alert)).To(gomega.BeTrue(), "%s: neither a session nor an alert: %v", door, err)
			g.Expect(keyRefused(err) || identityUnknown(ctx, r, door, key, err)).To(gomega.BeFalse(), "%s does not take the key of %s; is it the one that the system knows?: %v", door, key, err)
		}
		return "the system does not object to the key"
	})
	r.Oracle(ctx, "pre-shared key suites alone suffice with the right key", func(_ context.Context, g gomega.Gomega) string {
		for _, door := range doors {
			g.Expect(refused[door]).NotTo(gomega.HaveOccurred(), "handshake with the right key at %s", door)
		}
		return fmt.Sprintf("the right key is admitted at %d doors", len(doors))
	})
	wrongKeys(ctx, r, doors)
}

func wrongKeys(ctx context.Context, r *engine.Run, doors []script.Door) {
	guessed := guessKeys(ctx, r, doors, r.Instance.Credentials.Element, func(ctx context.Context, o script.Options) error {
		return resolveAs(ctx, r, o)
	})
	r.Canary(ctx, "the right key still works", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range doors {
			g.Expect(resolveWith(ctx, r, door, actor.PSKConfig(r.Instance.Credentials.Element))).To(gomega.Succeed(), "handshake with the right key at %s", door)
		}
		return "the right key is admitted"
	})
	guessed.refused(ctx, r)
}

// guesses are handshakes with keys that an attacker has not got.
type guesses struct{ tried, admitted []string }

// guessKeys takes the attacker's step with the identity of key; come sets up an association and
// says something over it.
func guessKeys(ctx context.Context, r *engine.Run, doors []script.Door, key *sut.PSK, come func(context.Context, script.Options) error) *guesses {
	var made guesses
	r.Attack(ctx, "a known identity with a wrong key, and an unknown identity with every valid key", func(ctx context.Context, _ gomega.Gomega) string {
		wrong := slices.Clone(key.Key)
		wrong[0] ^= 1
		attempts := []sut.PSK{{Identity: key.Identity, Key: wrong}}
		for _, k := range r.Instance.Credentials.Keys() {
			attempts = append(attempts, sut.PSK{Identity: "rspthreat-nobody", Key: k.Key})
		}
		for _, door := range doors {
			for n, a := range attempts {
				what := fmt.Sprintf("identity %q, key %d, at %s", a.Identity, n, door)
				made.tried = append(made.tried, what)
				if come(ctx, attackerOptions(r, door, actor.PSKConfig(&a))) == nil {
					made.admitted = append(made.admitted, what)
				}
			}
		}
		return fmt.Sprintf("%d handshakes tried", len(made.tried))
	})
	return &made
}

// refused is the oracle about them.
func (m *guesses) refused(ctx context.Context, r *engine.Run) {
	r.Oracle(ctx, "neither wrong keys nor unknown identities were admitted", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(m.admitted).To(gomega.BeEmpty(), "admitted: %s", strings.Join(m.admitted, "; "))
		return fmt.Sprintf("none of %d handshakes succeeded", len(m.tried))
	})
}

// noTLS judges a system that is declared to have no TLS: it has none at any door.
func noTLS(ctx context.Context, r *engine.Run) {
	s := set(ctx, r)
	defer s.leave(ctx)
	var refused []string
	// An honest node does this, and where no port is open nothing of it is sent.
	r.Passive(ctx, "begin TLS with a pre-shared key at every door", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range tlsDoors(r) {
			ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
			err := resolveWith(ctx, r, door, &tlspsk.Config{PSKIdentity: "rspthreat", PSKKey: make([]byte, 32)})
			cancel()
			var alert *tlspsk.AlertError
			if err == nil || (errors.As(err, &alert) && alert.Received != "") {
				r.Note("%s speaks TLS although the system is declared clear", door)
				continue
			}
			refused = append(refused, fmt.Sprintf("%s at %s: %v", door, door.Addr, err))
		}
		g.Expect(refused).NotTo(gomega.BeEmpty(), "the system speaks TLS at every door: declare it secured")
		return strings.Join(refused, "; ")
	})
	s.canary(ctx)
	r.Oracle(ctx, "TLS with pre-shared keys is implemented", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(refused).To(gomega.BeEmpty(), "no door speaks TLS with pre-shared keys: %s", strings.Join(refused, "; "))
		return "TLS is spoken"
	})
}

// tlsDoors are the doors as they are, and the standard TLS ports beside them.
func tlsDoors(r *engine.Run) []script.Door {
	var doors []script.Door
	for _, d := range site(r).Clear(wire.ASAP) {
		d.Secured = true
		doors = append(doors, d)
	}
	return append(doors, site(r).Secured(wire.ASAP)...)
}

func plainOptions(r *engine.Run, name string, door script.Door, config *tlspsk.Config) script.Options {
	return script.Options{
		Name: name, Peer: "registrar", Door: door, Local: r.Instance.Local(), TLS: config,
		Wire: r.Instance.Wire, Recorder: r.World.Recorder,
	}
}

// attackerOptions are those of an attacker that comes once.
func attackerOptions(r *engine.Run, door script.Door, config *tlspsk.Config) script.Options {
	o := plainOptions(r, attackers.Name, door, config)
	o.Hostile = true
	return o
}

// resolveWith makes a handshake with config and asks for a pool behind it: in TLS 1.3 a
// client learns only then that it was refused.
func resolveWith(ctx context.Context, r *engine.Run, door script.Door, config *tlspsk.Config) error {
	return resolveAs(ctx, r, plainOptions(r, "pe honest", door, config))
}

func resolveAs(ctx context.Context, r *engine.Run, o script.Options) error {
	ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
	defer cancel()
	n, err := script.Open(ctx, o)
	if err != nil {
		return err
	}
	defer n.Close(ctx)
	_, err = (&actor.User{Node: n}).Resolve(ctx, r.Instance.Pool)
	return err
}

// keyRefused tells whether a handshake failed over the key rather than for lack of common
// suites: then the harness may have been given a wrong key, and nothing can be said.
func keyRefused(err error) bool {
	var alert *tlspsk.AlertError
	if !errors.As(err, &alert) {
		return false
	}
	switch alert.Received {
	case "bad_record_mac", "decrypt_error", "unknown_psk_identity", "illegal_parameter":
		return true
	default:
		return false
	}
}

// identityUnknown tells whether a handshake failed for the identity and not for want of the
// suites: servers that do not know an identity say handshake_failure in TLS 1.3, since they
// look for a certificate next. Another key at the same door, or TLS 1.2, tells the two apart.
func identityUnknown(ctx context.Context, r *engine.Run, door script.Door, key *sut.PSK, err error) bool {
	var alert *tlspsk.AlertError
	if !errors.As(err, &alert) || alert.Received != "handshake_failure" {
		return false
	}
	for _, other := range r.Instance.Credentials.Keys() {
		if other.Identity != key.Identity && resolveWith(ctx, r, door, actor.PSKConfig(other)) == nil {
			return true
		}
	}
	old := actor.PSKConfig(key)
	old.MaxVersion = tlspsk.TLS12
	return keyRefused(resolveWith(ctx, r, door, old))
}

func pskAuthorises(ctx context.Context, r *engine.Run) {
	key := r.Instance.Credentials.Element
	var node *actor.Element
	defer func() {
		if node != nil {
			node.Close(ctx)
		}
	}()
	r.Baseline(ctx, "the holder of the key comes over TLS", func(ctx context.Context, g gomega.Gomega) string {
		door, err := r.World.Door(wire.ASAP)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "door for the element")
		node, err = r.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: door, ID: wire.PEID(r.Random())})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "connect the element")
		_, err = (&actor.User{Node: node.Node}).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through the element's association")
		return "the handshake succeeds, with " + key.String()
	})
	var rejected error
	r.Canary(ctx, "it asks to be registered, and is answered", func(ctx context.Context, g gomega.Gomega) string {
		if rejected = node.Register(ctx); rejected != nil {
			g.Expect(rejected).To(gomega.MatchError(actor.ErrRejected), "register")
			return rejected.Error()
		}
		elements, err := r.World.UserOn(node.Node).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
		found := slices.ContainsFunc(elements, func(e wire.PoolElement) bool { return e.ID == node.PE.ID })
		g.Expect(found).To(gomega.BeTrue(), "the element whose registration was granted cannot be resolved")
		return "the registration is granted, and the element can be resolved"
	})
	r.Oracle(ctx, "it is registered with no other credential", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(rejected).NotTo(gomega.HaveOccurred(), "the holder of a pre-shared key is rejected")
		return "the element is registered"
	})
	if err := node.Deregister(ctx); err != nil {
		r.Note("the element could not be deregistered after the check: %v", err)
	}
}
