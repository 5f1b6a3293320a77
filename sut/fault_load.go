// SPDX-License-Identifier: Apache-2.0

package sut

import (
	mathrand "math/rand/v2"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// loadFaults let others load the registrar, or have it load elements (draft sections 2.13
// and 2.14).
func loadFaults() []Fault {
	return []Fault{
		{
			Name:         "believe-reports",
			Description:  "an element that is reported unreachable four times is removed, whether it answers or not",
			Requirements: []string{"T2.13-R1"},
			apply:        func(c *registrar.Config) { c.MaxBadPEReports = 3 },
		},
		{
			Name:         "neglect-registrations",
			Description:  "while unreachable elements are reported without end, registrations have to wait",
			Requirements: []string{"T2.13-R1"},
			apply: func(c *registrar.Config) {
				next := c.Defences.Permission
				var reports []time.Time
				c.Defences.Permission = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					switch q.Message.(type) {
					case *wire.EndpointUnreachable:
						if reports = append(reports, q.Now); len(reports) > busyReports {
							reports = reports[1:]
						}
					case *wire.Registration:
						if len(reports) == busyReports && q.Now.Sub(reports[0]) < busyTime {
							<-time.After(neglect)
						}
					}
					return next.Refuse(q)
				})
			},
		},
		{
			Name:         "reflect-reports",
			Description:  "every report of an unreachable element brings a keep-alive at once, and reports are not limited",
			Requirements: []string{"T2.14-R1"},
			apply: func(c *registrar.Config) {
				c.ReflectReports = true
				c.Defences.Rate = registrar.DefenceFunc(func(*registrar.Query) *registrar.Refusal { return nil })
			},
		},
		{
			Name:         "reflect-registrations",
			Description:  "every registration brings a keep-alive at once, and registrations are not limited",
			Requirements: []string{"T2.14-R1"},
			apply: func(c *registrar.Config) {
				c.ReflectRegistrations = true
				c.Defences.Rate = registrar.DefenceFunc(func(*registrar.Query) *registrar.Refusal { return nil })
			},
		},
		{
			Name:         "reflect-takeovers",
			Description:  "every message of a takeover brings a keep-alive to all elements at once",
			Requirements: []string{"T2.14-R1"},
			apply:        func(c *registrar.Config) { c.ReflectTakeovers = true },
		},
		{
			Name:         "keep-alives-in-step",
			Description:  "idle keep-alives come at regular intervals",
			Requirements: []string{"T2.14-R2"},
			apply:        func(c *registrar.Config) { c.Rand = mathrand.New(unvaried{}) },
		},
	}
}

// More reports than busyReports within busyTime neglect the registrations: what ten users
// send who report twice each is less. On a machine with much else to do a flood is slow, so
// that a second would not do. neglect is more than any honest latency before it would explain.
const (
	busyReports = 25
	busyTime    = 3 * time.Second
	neglect     = 6 * time.Second
)

// unvaried is a source of random numbers that always draws the middle.
type unvaried struct{}

// Uint64 returns a number a little above the middle: exactly in the middle, some ways to
// draw from a range would try again for ever.
func (unvaried) Uint64() uint64 { return 0x8123456789abcdef }
