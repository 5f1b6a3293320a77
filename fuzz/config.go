// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/rspthreat/rspthreat/sut"
)

// FuzzConfig reads the input as the configuration of a system under test: it is refused in one
// line, or what the report shows of it is read as the same.
func FuzzConfig(data []byte) int { return configuration(data, sut.ParseConfig) }

// plain tells whether the text needs no quoting to be written as YAML again. The YAML library
// loses control characters and some others when it writes them.
func plain(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" .:_/-{}[],", r) || r > unicode.MaxASCII
	})
}

func configuration(data []byte, parse func(b []byte) (*sut.Config, error)) int {
	c, err := parse(data)
	if err != nil {
		if !errors.Is(err, sut.ErrConfig) || strings.ContainsAny(err.Error(), "\n\r") {
			panic(fmt.Sprintf("refused with %q", err))
		}
		return 0
	}
	if c.Version != sut.ConfigVersion || c.Name == "" || len(c.Doors) == 0 {
		panic(fmt.Sprintf("accepted without what it needs: %+v", c))
	}
	shown := c.Redacted()
	if shown == "" {
		panic(fmt.Sprintf("accepted and cannot be shown: %+v", c))
	}
	if !plain(data) {
		return 1
	}
	again, err := parse([]byte(shown))
	if err != nil {
		panic(fmt.Sprintf("shown as what is refused: %v: %q", err, shown))
	}
	if second := again.Redacted(); second != shown {
		panic(fmt.Sprintf("shown as %q, read and shown again as %q", shown, second))
	}
	return 1
}
