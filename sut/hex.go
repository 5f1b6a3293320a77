// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Hex is octets that are written as hexadecimal digits.
type Hex []byte

// MarshalText writes h as hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hexadecimal digits. The error does not show them: they may be a key.
func (h *Hex) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%w in a text of %d characters", errHex, len(text))
	}
	*h = b
	return nil
}

// PEM is certificates or a key in the text form of RFC 7468.
type PEM []byte

// MarshalText returns p as it is.
func (p PEM) MarshalText() ([]byte, error) { return p, nil }

// UnmarshalText takes a text with at least one PEM block.
func (p *PEM) UnmarshalText(text []byte) error {
	if block, _ := pem.Decode(text); block == nil {
		return errPEM
	}
	*p = append(PEM(nil), text...)
	return nil
}

// PolicyKeys are public keys by PE identifier, which is written as a decimal number.
type PolicyKeys map[wire.PEID][]byte

// MarshalJSON writes the keys as hexadecimal digits.
func (k PolicyKeys) MarshalJSON() ([]byte, error) {
	text := make(map[string]Hex, len(k))
	for id, key := range k {
		text[strconv.FormatUint(uint64(id), 10)] = key
	}
	return json.Marshal(text)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (k *PolicyKeys) UnmarshalJSON(b []byte) error {
	var text map[string]Hex
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	*k = make(PolicyKeys, len(text))
	for name, key := range text {
		id, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			return fmt.Errorf("PE identifier %q: %w", name, err)
		}
		(*k)[wire.PEID(id)] = key
	}
	return nil
}

var (
	errHex = errors.New("not hexadecimal digits")
	errPEM = errors.New("no PEM block in the text")
)
