// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// corpus are messages that cases begin with.
type corpus struct {
	messages map[wire.Protocol][][]byte
	sum      string   // checksum over all of it
	passed   []string // files that were passed over
}

// CorpusExt are the file name extensions of a corpus, by protocol. A file without either is for both.
var CorpusExt = map[wire.Protocol]string{wire.ASAP: ".asap", wire.ENRP: ".enrp"}

// readCorpus reads a directory of messages. A file that holds nothing, or more than a message can,
// is passed over: a campaign is not worth less without it.
func readCorpus(dir string) (*corpus, error) {
	c := &corpus{messages: map[wire.Protocol][][]byte{}}
	if dir == "" {
		return c, nil
	}
	files, err := os.ReadDir(dir) // in the order of their names
	if err != nil {
		return nil, fmt.Errorf("%w: corpus: %w", ErrOptions, err)
	}
	hash := sha256.New()
	count := 0
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		switch {
		case err != nil:
			c.passed = append(c.passed, err.Error())
			continue
		case len(b) < wire.HeaderLength, len(b) > wire.MaxMessageLength+1:
			c.passed = append(c.passed, fmt.Sprintf("%s: %d octets are no message", f.Name(), len(b)))
			continue
		}
		count++
		fmt.Fprintf(hash, "%s %d\n", f.Name(), len(b))
		_, _ = hash.Write(b)
		for _, p := range []wire.Protocol{wire.ASAP, wire.ENRP} {
			if ext := filepath.Ext(f.Name()); ext == CorpusExt[p] || (ext != CorpusExt[wire.ASAP] && ext != CorpusExt[wire.ENRP]) {
				c.messages[p] = append(c.messages[p], b)
			}
		}
	}
	if count == 0 {
		return nil, fmt.Errorf("%w: corpus %s holds no message (%d files passed over)", ErrOptions, dir, len(c.passed))
	}
	c.sum = hex.EncodeToString(hash.Sum(nil)[:16])
	return c, nil
}
