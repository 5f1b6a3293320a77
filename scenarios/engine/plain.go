// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"strings"
)

// plain makes a sentence of a gomega message: the annotation, and behind it the text of the
// error if that is what was not expected. What gomega prints of an error's inside is left out.
func plain(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	inside := len(lines) // the line where the inside of the error begins
	for i, l := range lines {
		if strings.HasPrefix(l, gomegaIndent+"{") {
			inside = i // the last one: the error's own text comes before, and may look like it
		}
		lines[i] = strings.TrimSpace(l)
	}
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "<") && strings.HasSuffix(l, ">:") })
	if at < 0 {
		if strings.HasPrefix(lines[0], "Expected") { // no annotation: all there is
			return strings.Join(lines, " ")
		}
		return lines[0]
	}
	text := strings.Join(lines[at+1:max(at+1, inside)], " ")
	if at == 0 || strings.HasPrefix(lines[0], "Unexpected error:") || strings.HasPrefix(lines[0], "Expected success") {
		return text
	}
	return lines[0] + ": " + text
}

// gomegaIndent is what gomega puts before the value that was not expected.
const gomegaIndent = "    "
