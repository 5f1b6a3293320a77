// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Order is what an attacker is sent out with when it is used by itself.
type Order struct {
	Site
	Pool     string
	Element  wire.PEID // whom it is about; 0: nobody
	Identity string    // that the attacker has, or has heard of
	Key      []byte    // of Identity; nil: it only knows the name
	Messages int       // at most, for those that flood
	// Listen is where those stand that others come to.
	Listen netip.AddrPort
	// For is how long those go on that wait for others.
	For time.Duration
	// Say is told what happens, a line at a time.
	Say func(line string)
}

// Named is an attacker that can be used by itself.
type Named struct {
	Name    string
	Section string // of the draft
	About   string
	Needs   string // which parts of an Order it needs beside doors, for people
	Run     func(ctx context.Context, o *Order) error
}

// Errors of attackers that are used by themselves.
var (
	ErrUnknownAttacker = errors.New("unknown attacker")
	ErrOrder           = errors.New("the order lacks")
	ErrNotMade         = errors.New("the attack could not be made")
)

// Catalogue returns all attackers that can be used by themselves, by name.
func Catalogue() []Named {
	all := []Named{
		{"announcer", "2.12", "forges announcements of a registrar to the UDP ports", "", runAnnouncer},
		{"clear-speaker", "2.15", "sends each of the 24 messages in clear, to every door", "--pool, --element", runClearSpeaker},
		{"downgrader", "2.10", "stands where users look for a registrar, and chooses a suite without protection", "--listen", runDowngrader},
		{"early-bird", "2.8", "registers with TLS 1.3 early data, and plays it back over a new connection", "--pool, --identity, --psk-file", runEarlyBird},
		{"eavesdropper", "2.11", "relays TCP connections and tells what it can read of them", "--listen, --pool, --element", runEavesdropper},
		{"flooder", "2.1, 2.2", "floods with registrations and deregistrations", "--pool; --identity and --psk-file to come with a key", runFlooder},
		{"haggler", "2.10, 2.11", "offers suites without integrity or encryption to every door under TLS", "", runHaggler},
		{"insider", "2.17", "deletes, steals and invents elements as an authentic registrar", "--element, --identity and --psk-file of a registrar, a target that speaks enrp", runInsider},
		{"misleader", "2.7", "poses as a registrar with a certificate of its own making, and leads users to an element of its choice", "--listen, --pool", runMisleader},
		{"parrot", "2.8", "says to others, octet for octet, what the target said to it", "--listen, --pool; --identity and --psk-file for a session under TLS", runParrot},
		{"reporter", "2.13, 2.14", "floods with reports that an element cannot be reached", "--pool, --element; --identity and --psk-file to come with a key", runReporter},
		{"replayer", "2.8", "records a session of its own and plays it back over a new connection", "--pool; --identity and --psk-file for a session under TLS", runReplayer},
		{"rogue-registrar", "2.6", "stands where elements look for a registrar, and grants whatever they ask", "--listen, --pool; --identity and --psk-file for a key to show, otherwise one that can be guessed", runRogueRegistrar},
		{"spoofer", "2.3, 2.4", "acts for another element, or for a pool that it may not join, with a key of its own", "--pool, --element, --identity, --psk-file", runSpoofer},
		{"stranger", "2.1, 2.3", "registers and deregisters in every way that needs no credential", "--pool, --element; --identity for one that it heard of", runStranger},
		{"ticket-holder", "2.1, 2.2", "keeps session tickets, and comes again with them when its key has been withdrawn", "--pool, --identity, --psk-file; --for is how long it waits", runTicketHolder},
		{"tamperer", "2.10", "relays TCP connections and flips a bit, cuts, swaps and repeats what nodes send", "--listen", runTamperer},
	}
	slices.SortFunc(all, func(a, b Named) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Find returns the attacker of that name.
func Find(name string) (Named, error) {
	for _, n := range Catalogue() {
		if n.Name == name {
			return n, nil
		}
	}
	return Named{}, fmt.Errorf("%w %q: `rspthreat attack --list` shows them", ErrUnknownAttacker, name)
}

// needs says what is missing.
func (o *Order) needs(pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if there, _ := pairs[i+1].(bool); !there {
			return fmt.Errorf("%w %s", ErrOrder, pairs[i])
		}
	}
	return nil
}

// tell says what came of attempts. Where none reached anybody, there was no attack.
func (o *Order) tell(attempts []Attempt, err error) error {
	for _, a := range attempts {
		o.Say(a.String())
	}
	if err == nil && !slices.ContainsFunc(attempts, Attempt.Reached) {
		err = fmt.Errorf("%w: no attempt reached the target", ErrNotMade)
	}
	return err
}

// victim is what the messages are about; the attacker's own element is at its own address.
func (o *Order) victim() (Victim, netip.Addr) {
	at := o.Local()
	if !at.IsValid() {
		at = documentationVictim
	}
	pe := wire.PoolElement{
		ID: o.Element, Life: attackLife, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: attackPort, Addrs: []netip.Addr{at}},
	}
	return Victim{Pool: o.Pool, PE: pe, Element: o.Element ^ 1}, at
}

const (
	attackLife = 60   // seconds: what an attacker leaves behind is gone soon
	attackPort = 7777 // where the attacker claims to serve; nothing listens there
)

// documentationVictim (RFC 5737) stands for a victim that must never get a packet.
var documentationVictim = netip.AddrFrom4([4]byte{192, 0, 2, 66})

func (o *Order) requests() []wire.Message {
	v, at := o.victim()
	own := v.invented(at)
	messages := []wire.Message{&wire.Registration{PoolHandle: wire.PoolHandle(o.Pool), Element: own}}
	if o.Element != 0 {
		messages = append(messages,
			&wire.Registration{PoolHandle: wire.PoolHandle(o.Pool), Element: v.PE},
			&wire.Deregistration{PoolHandle: wire.PoolHandle(o.Pool), PEID: o.Element})
	}
	return messages
}

func runStranger(ctx context.Context, o *Order) error {
	s := Stranger{Site: o.Site}
	return o.tell(s.Everything(ctx, KnownIdentity(o.Identity), o.requests()...))
}

func runClearSpeaker(ctx context.Context, o *Order) error {
	v, at := o.victim()
	return o.tell((&ClearSpeaker{o.Site}).Speak(ctx, &v, at))
}

func runAnnouncer(ctx context.Context, o *Order) error {
	v, at := o.victim()
	a := Announcer{Site: o.Site}
	return o.tell(a.Announce(ctx, &wire.ServerAnnounce{Server: RogueServer}, v.RoguePresence(at)))
}

func runInsider(ctx context.Context, o *Order) error {
	for _, door := range o.Doors {
		if door.Protocol != wire.ENRP || door.Transport == "udp" || door.Secured != (o.Key != nil) {
			continue
		}
		i := Insider{Site: o.Site, Door: door, Identity: o.Identity, Key: o.Key}
		v, at := o.victim()
		n, err := i.Join(ctx, &v, at)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotMade, err)
		}
		for what, m := range map[string]wire.Message{"deletion": v.Deletion(at), "theft": v.Theft(at), "invention": v.Own(wire.AddPE, v.Element, at)} {
			answers, err := i.Tell(ctx, n, v.RoguePresence(at), m)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNotMade, err)
			}
			o.Say(fmt.Sprintf("%s of an element told at %s; %d messages came in answer", what, door, len(answers)))
		}
		return nil
	}
	return fmt.Errorf("%w a door that speaks enrp, secured if there is a key", ErrOrder)
}

func runSpoofer(ctx context.Context, o *Order) error {
	if err := o.needs("--element", o.Element != 0); err != nil {
		return err
	}
	var all []Attempt
	for _, door := range o.Doors {
		if door.Protocol != wire.ASAP || door.Transport == "udp" || door.Secured != (o.Key != nil) {
			continue
		}
		s := Spoofer{Site: o.Site, Who: orStranger(o.Identity), Door: door, Identity: o.Identity, Key: o.Key}
		all = append(all, s.Try(ctx, o.requests()...)...)
	}
	return o.tell(all, nil)
}

func orStranger(identity string) string {
	if identity == "" {
		return "a stranger"
	}
	return identity
}

// doorsFor are the doors that an attacker with or without a key floods.
func (o *Order) doorsFor() []script.Door {
	if o.Key != nil {
		return o.Secured(wire.ASAP)
	}
	return o.Clear(wire.ASAP)
}
