// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

const (
	// testTimeout bounds one test: a browser that hangs must not hold up the rest. The machine may be busy.
	testTimeout = 3 * time.Minute
	// actionTimeout bounds one action in the page, so that what waits for something in vain says so.
	actionTimeout = 40 * time.Second
)

// tab is a page in a browser, and what went wrong in it.
type tab struct {
	context.Context
	mu       sync.Mutex
	problems []string // console messages, exceptions, violations of the policy, requests that leave the file
	page     string
}

type action = chromedp.Action[chromedp.Void]

// open starts a browser of its own for the test and opens the page in it.
func open(t testing.TB, page string, width, height int64, before ...action) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("Chromium is needed (.ci/install): %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.WindowSize(int(width), int(height)),
	)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testTimeout)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	b := &tab{page: page}
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	b.Context = ctx
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil { // waits for the browser to end, so that its directory can go
			t.Log(err)
		}
		stop()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as the context of the first action
		t.Fatal(err)
	}
	b.do(t, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), chromedp.EmulateViewport(width, height))
	b.do(t, append(before, chromedp.Navigate(page))...)
	return b
}

// command makes an action of a command of the protocol.
func command[P, R any](c cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, _, _ := strings.Cut(e.Request.URL, "#"); u != b.page {
			b.problems = append(b.problems, "request for "+u)
		}
	case *runtime.EventConsoleAPICalled:
		b.problems = append(b.problems, fmt.Sprintf("console %s: %s", e.Type, e.Args[0].Value))
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("exception: %s line %d", e.ExceptionDetails.Text, e.ExceptionDetails.LineNumber))
	case *log.EventEntryAdded:
		b.problems = append(b.problems, fmt.Sprintf("%s %s: %s", e.Entry.Source, e.Entry.Level, e.Entry.Text))
	}
}

func (b *tab) do(t testing.TB, actions ...action) {
	t.Helper()
	for _, a := range actions {
		ctx, cancel := context.WithTimeout(b.Context, actionTimeout)
		err := chromedp.Do(ctx, a)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// eval evaluates an expression in the page and returns its value; a promise's when it is one.
func eval[T any](t testing.TB, b *tab, js string) T {
	t.Helper()
	v, err := chromedp.Run(b.Context, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// run evaluates statements in the page, and waits until what they changed is drawn.
func (b *tab) run(t testing.TB, js string) {
	t.Helper()
	eval[bool](t, b, "(async () => {"+js+"; await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return true })()")
}

// clean fails the test when anything went wrong in the page.
func (b *tab) clean(t testing.TB) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		t.Error(p)
	}
}

// evaluate runs a script whatever its value.
func evaluate(js string) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: js})
		return err
	})
}

// pdf prints the page on A4.
func (b *tab) pdf(t testing.TB) []byte {
	t.Helper()
	out, err := chromedp.Run(b.Context, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground()))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
