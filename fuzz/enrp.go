// SPDX-License-Identifier: Apache-2.0

package fuzz

import "github.com/rspthreat/rspthreat/reference/wire"

// FuzzENRP decodes the input as an ENRP message.
func FuzzENRP(data []byte) int { return decode(data, wire.ENRP, wire.Decode) }
