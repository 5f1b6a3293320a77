// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"testing"

	"github.com/onsi/gomega"
)

// TestFailedExpectationReadsAsASentence: reports show it to people who do not know gomega.
func TestFailedExpectationReadsAsASentence(t *testing.T) {
	wrapped := fmt.Errorf("register: %w", errors.New("no answer"))
	braces := errors.New("first\n{second}")
	for _, row := range []struct {
		name         string
		expect       func(g gomega.Gomega, annotation ...any)
		bare, within string // without an annotation, and behind "the element is gone"
	}{
		{"an error", func(g gomega.Gomega, a ...any) { g.Expect(wrapped).NotTo(gomega.HaveOccurred(), a...) }, "register: no answer", ": register: no answer"},
		{"no success", func(g gomega.Gomega, a ...any) { g.Expect(wrapped).To(gomega.Succeed(), a...) }, "register: no answer", ": register: no answer"},
		{"an error beside a value", func(g gomega.Gomega, a ...any) { g.Expect(1, wrapped).To(gomega.Equal(1), a...) }, "register: no answer", ": register: no answer"},
		{"an error with braces", func(g gomega.Gomega, a ...any) { g.Expect(braces).To(gomega.Succeed(), a...) }, "first {second}", ": first {second}"},
		{"no error", func(g gomega.Gomega, a ...any) { g.Expect(error(nil)).To(gomega.HaveOccurred(), a...) }, "Expected an error to have occurred.  Got: <nil>: nil", ""},
		{"not true", func(g gomega.Gomega, a ...any) { g.Expect(false).To(gomega.BeTrue(), a...) }, "Expected <bool>: false to be true", ""},
		{"not equal", func(g gomega.Gomega, a ...any) { g.Expect(1).To(gomega.Equal(2), a...) }, "Expected <int>: 1 to equal <int>: 2", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := failure(func(g gomega.Gomega) { row.expect(g) }); got != row.bare {
				t.Errorf("without annotation %q, want %q", got, row.bare)
			}
			want := "the element is gone" + row.within
			if got := failure(func(g gomega.Gomega) { row.expect(g, "the element is %s", "gone") }); got != want {
				t.Errorf("with annotation %q, want %q", got, want)
			}
		})
	}
}

// failure is what a report says of the expectation that f does not meet.
func failure(f func(gomega.Gomega)) string {
	var text string
	f(gomega.NewGomega(func(message string, _ ...int) { text = plain(message) }))
	return text
}
