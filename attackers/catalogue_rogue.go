// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// runRogueRegistrar stands at o.Listen for o.For: with the key that it was given, or with one
// that can be guessed, and with a certificate of its own for those who take one.
func runRogueRegistrar(ctx context.Context, o *Order) error {
	if err := o.needs("--listen", o.Listen.IsValid()); err != nil {
		return err
	}
	pose := PoseWithIdentity()
	if o.Key != nil {
		pose = PoseWithKey("the key of "+o.Identity, o.Key)
	}
	own, err := SelfSigned("registrar")
	if err != nil {
		return err
	}
	pose.TLS.Certificates = &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12}
	r, err := o.Stand(ctx, pose, o.Pool,
		script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: o.Listen},
		script.Door{Protocol: wire.ASAP, Transport: association.SCTPUDP, Addr: o.Listen})
	if err != nil {
		return err
	}
	defer r.Close()
	o.Say(fmt.Sprintf("standing at %s with %s, and with a certificate of its own, for %s", o.Listen, r.Pose, o.For))
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	<-ctx.Done()
	for _, refusal := range r.Refused() {
		o.Say(fmt.Sprintf("%s came to %s and was not taken in: %v", refusal.Remote, refusal.Door, refusal.Err))
	}
	for _, m := range r.Heard() {
		o.Say("it was told " + m.Name())
	}
	if r.Attempts() == 0 {
		return fmt.Errorf("%w: nobody came", ErrNotMade)
	}
	return nil
}
