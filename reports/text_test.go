// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextOfTheSystemIsMadeVisible(t *testing.T) {
	for _, c := range []struct{ name, in, line, text string }{
		{"plain", "pool EchoPool", "pool EchoPool", "pool EchoPool"},
		{"other scripts", "Grüße 世界", "Grüße 世界", "Grüße 世界"},
		{"lines", "a\n\tb", `a\n\tb`, "a\n\tb"},
		{"carriage return", "a\rb", `a\rb`, `a\rb`},
		{"terminal escape", "\x1b[2J", `\x1b[2J`, `\x1b[2J`},
		{"second control set", "\u009b2J", `\u009b2J`, `\u009b2J`},
		{"nul", "\x00", `\x00`, `\x00`},
		{"not UTF-8", "a\xff\xc3", `a\xff\xc3`, `a\xff\xc3`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`, `\xed\xa0\x80`},
		{"right to left override", "\u202egpj", `\u202egpj`, `\u202egpj`},
		{"not in XML", "\ufffe\uffff", `\ufffe\uffff`, `\ufffe\uffff`},
		{"line separator", "\u2028", `\u2028`, `\u2028`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cleanLine(c.in, 100); got != c.line {
				t.Errorf("line: %q, want %q", got, c.line)
			}
			if got := cleanText(c.in, 100); got != c.text {
				t.Errorf("text: %q, want %q", got, c.text)
			}
		})
	}
}

func TestLongTextIsCutAndSaysSo(t *testing.T) {
	got := cleanLine(strings.Repeat("ä", 100_000), 60)
	if want := strings.Repeat("ä", 16) + " [200000 bytes in all, cut]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCleanTextIsPrintableBoundedAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "in")) + rapid.String().Draw(t, "more")
		limit := rapid.IntRange(40, 80).Draw(t, "limit")
		out := cleanText(in, limit)
		if len(out) > limit || !utf8.ValidString(out) {
			t.Fatalf("%d bytes of %d: %q", len(out), limit, out)
		}
		for _, r := range out {
			if !strconv.IsPrint(r) && r != '\n' && r != '\t' {
				t.Fatalf("%U is left in %q", r, out)
			}
		}
		if again := cleanText(out, limit); again != out {
			t.Fatalf("cleaned again: %q, once: %q", again, out)
		}
	})
}
