// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// minKeyBytes is the least length of a pre-shared key: below 128 bits a recorded handshake
// can be searched for the key.
const minKeyBytes = 16

// ErrPSKFile is wrapped by every error about the contents of a PSK file.
var ErrPSKFile = errors.New("PSK file")

// ReadPSKFile reads lines of identity:hexkey, as openssl and gnutls tools use them. Empty
// lines and lines that begin with # are skipped. Errors name the line and never the key.
func ReadPSKFile(path string) (map[string][]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPSKFile, err)
	}
	defer clear(b)
	keys := make(map[string][]byte)
	scanner := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ':')
		if at <= 0 {
			return nil, fmt.Errorf("%w %s:%d: not identity:hexkey", ErrPSKFile, path, n)
		}
		identity := line[:at]
		key, err := hex.DecodeString(line[at+1:])
		if err != nil {
			return nil, fmt.Errorf("%w %s:%d: the key of %q is not hexadecimal", ErrPSKFile, path, n, identity)
		}
		if len(key) < minKeyBytes {
			return nil, fmt.Errorf("%w %s:%d: the key of %q has %d bytes, at least %d are needed", ErrPSKFile, path, n, identity, len(key), minKeyBytes)
		}
		if _, twice := keys[identity]; twice {
			return nil, fmt.Errorf("%w %s:%d: identity %q is there twice", ErrPSKFile, path, n, identity)
		}
		keys[identity] = key
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrPSKFile, path, err)
	}
	return keys, nil
}
