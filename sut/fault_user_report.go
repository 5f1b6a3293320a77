// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// userReportFaults are about reports of elements that cannot be reached.
func userReportFaults() []Fault {
	return []Fault{
		{
			Name:         "user-report-without-limit",
			Description:  "the user reports as many elements as it finds gone",
			Requirements: []string{"T2.13-R1"},
			user: func(c *pooluser.Config) {
				c.Defences.Rate = pooluser.ReportFilterFunc(func(*pooluser.Event) bool { return true })
			},
		},
		{
			Name:         "user-repeat-reports",
			Description:  "an element that is gone is reported twice each time that the user finds it so",
			Requirements: []string{"T2.13-R2"},
			user:         func(c *pooluser.Config) { c.Defences.Once = twice{} },
		},
	}
}

// twice is a ReportCount that repeats itself.
type twice struct{}

func (twice) Messages(*pooluser.Event) int { return 2 }
func (twice) Reached(string, wire.PEID)    {}
