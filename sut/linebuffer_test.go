// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLogOfAnInstanceKeepsItsLastLines(t *testing.T) {
	b := &lineBuffer{}
	if got := b.lines(); got != nil {
		t.Errorf("an empty log has lines %q", got)
	}
	fmt.Fprint(b, "one\ntw")
	fmt.Fprint(b, "o\n")
	if got := b.lines(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("lines %q", got)
	}
	line := strings.Repeat("x", 1023) + "\n"
	for range maxLogBytes / len(line) {
		fmt.Fprint(b, line)
	}
	fmt.Fprint(b, "the end\n")
	got := b.lines()
	if got[0] != "(earlier lines left out)" || got[len(got)-1] != "the end" || slices.Contains(got, "one") {
		t.Errorf("%d lines, first %.40q, last %.40q", len(got), got[0], got[len(got)-1])
	}
	for _, l := range got[1 : len(got)-1] {
		if len(l) != len(line)-1 {
			t.Errorf("a line of %d bytes: no line may be cut", len(l))
		}
	}
	if n := len(b.b); n > maxLogBytes {
		t.Errorf("%d bytes are kept, at most %d may be", n, maxLogBytes)
	}
}

func TestOneWriteBeyondTheBoundIsCutToo(t *testing.T) {
	b := &lineBuffer{}
	fmt.Fprint(b, strings.Repeat("x", 3*maxLogBytes)+"\nthe end\n")
	if got := b.lines(); !slices.Equal(got, []string{"(earlier lines left out)", "the end"}) {
		t.Errorf("%d lines", len(got))
	}
}
