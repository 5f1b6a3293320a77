// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"github.com/rspthreat/rspthreat/reference/registrar"
)

// transportFaults weaken TLS.
func transportFaults() []Fault {
	return []Fault{
		{
			Name:         "accept-early-data",
			Description:  "TLS 1.3 early data is accepted, without anything against its replay",
			Requirements: []string{"T2.8-R1", "T2.8-R2"},
			apply:        func(c *registrar.Config) { c.TLS.AllowEarlyData = true },
		},
		{
			Name:         "accept-null-encryption",
			Description:  "a cipher suite that authenticates but does not encrypt is accepted",
			Requirements: []string{"T2.11-R1", "T2.11-R2", "T2.12-R2", "T2.12-R3"},
			apply: func(c *registrar.Config) {
				// Level 0, because OpenSSL leaves NULL suites out of every higher one.
				c.TLS.CipherSuites = "PSK-AES128-CBC-SHA:PSK-AES128-GCM-SHA256:PSK-NULL-SHA256:PSK-NULL-SHA:@SECLEVEL=0"
			},
		},
	}
}
