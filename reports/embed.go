// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A page that is sent on by itself still holds the captures, within bounds that keep it fit for a mail.
const (
	maxEmbedded      = 512 << 10 // bytes of one file
	maxEmbeddedTotal = 3 << 20   // bytes of all
)

// evidenceFile is a file to download.
type evidenceFile struct {
	Name     string // without directories
	Path     string // relative to the page
	Means    string
	Size     string
	Link     template.URL
	Embedded bool
}

// embedder reads evidence files into the page as long as there is room.
type embedder struct {
	dir  string
	used int
}

// evidence lists what there is to download of a check.
func (e *embedder) evidence(c *Check) []evidenceFile {
	var out []evidenceFile
	if e.dir == "" {
		if c.Capture != "" {
			out = append(out, evidenceFile{Name: path.Base(c.Capture), Path: c.Capture, Means: "capture", Link: fileLink(c.Capture)})
		}
		return out
	}
	for _, name := range evidenceOf(e.dir, c.ID) {
		out = append(out, e.file(name))
	}
	return out
}

// file describes a file whose name is known to be safe.
func (e *embedder) file(name string) evidenceFile {
	f := evidenceFile{Name: path.Base(name), Path: name, Means: evidenceMeaning(path.Base(name)), Link: fileLink(name)}
	local := filepath.Join(e.dir, filepath.FromSlash(name))
	info, err := os.Stat(local)
	if err != nil {
		return f
	}
	f.Size = byteCount(info.Size())
	// Only what the page does not show by itself: packets and secrets.
	if !strings.HasSuffix(name, captureExt) && f.Name != KeyLogFile {
		return f
	}
	if info.Size() > maxEmbedded || e.used+int(info.Size()) > maxEmbeddedTotal {
		return f
	}
	b, err := os.ReadFile(local)
	if err != nil {
		return f
	}
	e.used += len(b)
	f.Embedded = true
	f.Link = template.URL("data:application/octet-stream;base64," + base64.StdEncoding.EncodeToString(b))
	return f
}

// fileLink is a link to a file below the page. Names are those of isFile, or there is no link.
func fileLink(name string) template.URL {
	if !isFile(name) {
		return ""
	}
	return template.URL(name)
}

func evidenceMeaning(name string) string {
	switch name {
	case KeyLogFile:
		return "TLS secrets of the capture"
	case MessagesFile:
		return "every message"
	case TimelineFile:
		return "the steps"
	case BeforeFile:
		return "handlespace before"
	case AfterFile:
		return "handlespace after"
	case LogFile:
		return "log of the system"
	case RepeatFile:
		return "repeats this check"
	default:
		return "packets, with TLS secrets inside"
	}
}

func byteCount(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", (n+512)>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
