// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// fingerprintLength is in hex digits: 64 bits are plenty for the few hundred results of a run.
const fingerprintLength = 16

// volatile is what differs between two runs that come to the same: identifiers drawn at random, addresses, ports,
// numbers, durations. A word that holds a digit is volatile as a whole, but for the names of requirements.
var (
	volatile  = regexp.MustCompile(`[^\s;,()"']*[0-9][^\s;,()"']*`)
	reference = regexp.MustCompile(`^T[0-9.]+-R[0-9]+[:.]?$`)
)

// FingerprintOf returns what identifies the way in which a requirement is not met: a hash of result ID, verdict and reason
// without what changes from run to run. It is empty for a result that is met or that says nothing about the system.
func FingerprintOf(r *Result) string {
	switch r.Verdict {
	case Fail, Warn, Inconclusive:
	default:
		return ""
	}
	reason := volatile.ReplaceAllStringFunc(r.Reason, func(word string) string {
		if reference.MatchString(word) {
			return word
		}
		return "#"
	})
	reason = strings.ToLower(strings.Join(strings.Fields(reason), " "))
	sum := sha256.Sum256([]byte(r.ID + "\n" + string(r.Verdict) + "\n" + reason))
	return hex.EncodeToString(sum[:])[:fingerprintLength]
}
