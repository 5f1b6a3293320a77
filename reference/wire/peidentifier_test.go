// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestPEIdentifierHasFourBytes(t *testing.T) {
	raw := RawMessage(TypeDeregistration).Add(rawHandle(), RawParameter(ParameterPEIdentifier).Put32(1).Put16(2))
	checkRefused(t, ASAP, Lenient(), raw, ErrLength, "ASAP_DEREGISTRATION: PE identifier at 16: length 0xa: wrong length")
}
