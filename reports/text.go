// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on text in every report. What a system under test says is hostile until shown otherwise:
// without bounds one endless log line or reason makes a report that no browser opens.
const (
	maxLine    = 2 << 10  // bytes of a title, reason, summary or log line: a screen of text
	maxText    = 64 << 10 // bytes of a text of many lines: a configuration
	maxHex     = 2 * 65536
	maxName    = 128      // bytes of the name of a field
	maxValue   = 512      // bytes of the value of a field; the bytes of the message stand beside it
	maxDepth   = 16       // how deep fields nest; the RFCs need 5
	maxComment = 16 << 10 // bytes of a comment in a capture; the format ends at 65535
)

// cleanLine makes s safe to show on one line and no longer than limit bytes: whatever does not print,
// line ends among it, and bytes that are not UTF-8 become visible escapes, such as \x1b or \u202e.
func cleanLine(s string, limit int) string {
	return bound(escape(s, limit, false), limit)
}

// Printable makes s safe to print on one line of a terminal.
func Printable(s string) string { return cleanLine(s, maxLine) }

// cleanText is cleanLine for text in which line feeds and tabs have a meaning.
func cleanText(s string, limit int) string {
	return bound(escape(s, limit, true), limit)
}

// escape writes at most a little more than limit bytes, followed by bytes of no importance when s is longer,
// so that bound can tell how much is missing.
func escape(s string, limit int, lines bool) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if b.Len() > limit {
			// The rest is only counted.
			return b.String() + strings.Repeat(".", len(s)-i)
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r), lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += size
	}
	return b.String()
}

// bound cuts s to limit bytes, the remark about what was cut included.
func bound(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	remark := fmt.Sprintf(" [%d bytes in all, cut]", len(s))
	keep := max(limit-len(remark), 0)
	for keep > 0 && !utf8.RuneStart(s[keep]) {
		keep--
	}
	return s[:keep] + remark
}

// leftOut is the line that stands for n lines more.
func leftOut(n int) string { return fmt.Sprintf("[%d lines left out]", n) }
