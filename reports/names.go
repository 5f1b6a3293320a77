// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"regexp"
	"strings"
)

// Names of the files that a Writer writes beside the captures.
const (
	ResultsFile = "results.json"
	JUnitFile   = "junit.xml"
	HTMLFile    = "index.html"
	LuaFile     = "rspthreat.lua" // teaches Wireshark the ports of the run
)

const captureExt = ".pcapng"

// ErrCheckID is returned for a check whose ID cannot be a file name on every system.
var ErrCheckID = errors.New("check ID is not safe as a file name")

var safeID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// isCapture tells whether a Writer gives files such a name.
func isCapture(name string) bool {
	id, ok := strings.CutSuffix(name, captureExt)
	return ok && safeID.MatchString(id)
}
