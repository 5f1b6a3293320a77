// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"path"
	"regexp"
	"strings"
)

// Names of the files that a Writer writes beside the captures.
const (
	ResultsFile = "results.json"
	JUnitFile   = "junit.xml"
	HTMLFile    = "index.html"
	LuaFile     = "rspthreat.lua" // teaches Wireshark the ports of the run
	SARIFFile   = "rspthreat.sarif"
	SummaryFile = "summary.md"          // for the job summary of a CI server
	SchemaFile  = "results.schema.json" // of results.json
)

// FindingsDir is where those who fuzz put what belongs to Results.Findings: reproducers, captures.
const FindingsDir = "findings"

// writtenFiles are those that a Writer writes beside the evidence. results.json is removed last: it is what tells the
// other files of a half-cleared directory.
var writtenFiles = []string{HTMLFile, JUnitFile, LuaFile, SARIFFile, SummaryFile, SchemaFile, ManifestFile, ResultsFile}

const captureExt = ".pcapng"

// ErrCheckID is returned for a check whose ID cannot be a file name on every system.
var ErrCheckID = errors.New("check ID is not safe as a file name")

var (
	safeID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	safePath = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,400}$`) // needs no escape in a URI
	safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$`)
)

// isCapture tells whether a Writer gives files such a name.
func isCapture(name string) bool {
	return isFile(name) && strings.HasSuffix(name, captureExt) && safeID.MatchString(strings.TrimSuffix(path.Base(name), captureExt))
}

// isFile tells whether name is a path below the report directory that is safe to link to and to open on every system.
func isFile(name string) bool {
	const deepest = 4
	parts := strings.Split(name, "/")
	if len(parts) > deepest {
		return false
	}
	for _, p := range parts {
		if !safeName.MatchString(p) {
			return false
		}
	}
	return true
}
