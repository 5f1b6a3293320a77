// SPDX-License-Identifier: Apache-2.0

package tlspsk

import "fmt"

// Version is a TLS protocol version as it appears on the wire.
type Version uint16

// The versions this package speaks. TLS 1.1 must be asked for by
// [Config.MinVersion]; newer builds of OpenSSL also want security level 0 for it.
const (
	TLS11 Version = 0x0302
	TLS12 Version = 0x0303
	TLS13 Version = 0x0304
)

// String returns the usual name, "TLS 1.2", or the number of an unknown version.
func (v Version) String() string {
	switch v {
	case TLS11:
		return "TLS 1.1"
	case TLS12:
		return "TLS 1.2"
	case TLS13:
		return "TLS 1.3"
	}
	return fmt.Sprintf("TLS 0x%04x", uint16(v))
}

// known reports whether v is one of the versions above.
func (v Version) known() bool { return v >= TLS11 && v <= TLS13 }
