// SPDX-License-Identifier: Apache-2.0

package fuzz

import "github.com/rspthreat/rspthreat/reference/wire"

// FuzzASAP decodes the input as an ASAP message.
func FuzzASAP(data []byte) int { return decode(data, wire.ASAP, wire.Decode) }
