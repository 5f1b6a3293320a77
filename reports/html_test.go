// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func pageOf(t *testing.T, r *Results) (string, *html.Node) {
	t.Helper()
	var b bytes.Buffer
	if err := writeHTML(&b, clean(r), ""); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), root
}

func elements(root *html.Node) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			out = append(out, n)
		}
	}
	return out
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func find(t *testing.T, root *html.Node, id string) *html.Node {
	t.Helper()
	for _, n := range elements(root) {
		if attribute(n, "id") == id {
			return n
		}
	}
	t.Fatalf("nothing has the id %q", id)
	return nil
}

func TestPageShowsVerdictReasonAndEvidence(t *testing.T) {
	_, root := pageOf(t, everyVerdict(t))
	for id, wants := range map[string][]string{
		"run": {"✗ 1 fail", "– 1 not-applicable"},
		"about": {
			"poold 4.2", "rspthreat run --config registrar.yaml --report out", "accept-unauthenticated-registration",
			"192.0.2.2:3864", "12.34s", "psk: (left out)",
		},
		"matrix":                   {"2.1 PE registration/deregistration flooding: non-existent PE", "✗ 1 fail"},
		"result-T2.1-R1@registrar": {"T2.1-R1", "MUST NOT", "Registrar", "✗ fail", "resolvable by an honest pool user", "less certain: no peer"},
		"result-T2.10-R2@PU":       {"○ unsupported", "the adapter answered"},
		"threat-2.1":               {"no credential", "EchoPool has one member", "server of the attacker's choice", "registration in clear answered with cause 0xa", "TLS with pre-shared keys", "whoever holds a key"},
		"check-2.1-unauthenticated-registration": {
			"baseline PE alice registers over TLS, a PU resolves", "took 31ms", "0x12345678 is in the pool", "verdict state was created for a stranger",
			"~ changed: before: EchoPool 0x00000002 tcp 192.0.2.10:7", "+ new: EchoPool 0x12345678 sctp 10.0.0.1:4711", "1 changed (~), 0 gone (−), 1 new (+), 1 as before",
			"+32ms ASAP_REGISTRATION", "010000380009000c4563686f", "clear registration of 0x12345678 refused", "serve-clear-port",
			"wireshark -X lua_script:rspthreat.lua 2.1-unauthenticated-registration.pcapng", "--only T2.1-R1@registrar", "[0,\"pool handle\"", "Latency of honest traffic",
		},
		"check-2.10-registration-flood": {
			"? inconclusive Flood of registrations 2.10-registration-flood", "Messages 200 of 1000; the middle of long steps is left out here", "No change: 1 element before and after",
		},
		"attention": {"✗ fail T2.1-R1", "Baseline: expired accepted no longer (until 2026-01-31): hard to mend", "Baseline: known accepted (until 2026-12-31): fixed in 4.3"},
		"unjudged":  {"○ unsupported", "the adapter answered", "– not-applicable no pool element is configured"},
		"findings":  {"✗ high", "RFC 5354 section 3.9", "met 12 times", "16 bytes, minimised from 214", "rspthreat fuzz replay"},
		"proof":     {"skip-owner-check", "T2.3-R6@registrar"},
	} {
		got := text(find(t, root, id))
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", id, want, got)
			}
		}
	}
	banner := text(elementsWithClass(root, "banner")[0])
	if banner != "✗ Does not conform 5 results judged · exit code 1 · complete run" {
		t.Errorf("banner %q", banner)
	}
}

func elementsWithClass(root *html.Node, class string) []*html.Node {
	var out []*html.Node
	for _, n := range elements(root) {
		if strings.Contains(" "+attribute(n, "class")+" ", " "+class+" ") {
			out = append(out, n)
		}
	}
	return out
}

func TestPageOfAnInterruptedRunSaysSo(t *testing.T) {
	_, root := pageOf(t, &Results{Interrupted: "the registrar died", ExitCode: ExitUnreachable})
	got := text(root)
	for _, want := range []string{"The run ended early. the registrar died", "exit code 3 · partial run", "No check ran."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// What a hostile system says must stay text: the only markup, style and script are ours, and nothing is fetched.
func TestPageStaysOursWhateverTheSystemSays(t *testing.T) {
	_, plain := pageOf(t, everyVerdict(t))
	page, root := pageOf(t, hostile(t))
	if len(page) > 2<<20 {
		t.Errorf("%d bytes", len(page))
	}
	allowed := map[string]bool{}
	for _, n := range elements(plain) {
		for _, a := range n.Attr {
			allowed[n.Data+" "+a.Key] = true
		}
		allowed[n.Data] = true
	}
	for _, n := range elements(root) {
		if !allowed[n.Data] {
			t.Errorf("element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if !allowed[n.Data+" "+a.Key] && a.Key != "open" {
				t.Errorf("attribute %s of <%s>", a.Key, n.Data)
			}
			if (a.Key == "href" || a.Key == "src") && !safeLink(a.Val) {
				t.Errorf("link to %q", a.Val)
			}
		}
	}
	for _, r := range page {
		if r != '\n' && r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\ufeff' {
			t.Fatalf("%U is in the page", r)
		}
	}
	if !strings.Contains(text(find(t, root, "threats")), `onerror=alert(1)>]]>&"'`) {
		t.Error("the page hides what the system said")
	}
}

func safeLink(href string) bool {
	name, _, _ := strings.Cut(href, "#")
	return name == "" || slices.Contains(writtenFiles, name) || isFile(name)
}

// The policy lets browsers run and apply exactly what is embedded; a wrong hash would turn the page plain.
func TestPolicyAllowsExactlyOurStyleAndScript(t *testing.T) {
	_, root := pageOf(t, everyVerdict(t))
	want := "default-src 'none'"
	for _, name := range []string{"style", "script"} {
		var found []*html.Node
		for _, n := range elements(root) {
			if n.Data == name && attribute(n, "type") == "" { // data is neither style nor script
				found = append(found, n)
			}
		}
		if len(found) != 1 {
			t.Fatalf("%d <%s> elements", len(found), name)
		}
		sum := sha256.Sum256([]byte(found[0].FirstChild.Data))
		want += "; " + name + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	for _, n := range elements(root) {
		if attribute(n, "http-equiv") != "" && attribute(n, "content") != want {
			t.Errorf("policy %q, want %q", attribute(n, "content"), want)
		}
	}
}

func TestPageIsAccessible(t *testing.T) {
	_, root := pageOf(t, everyVerdict(t))
	ids, links, seen := map[string]bool{}, []string{}, map[string]int{}
	for _, n := range elements(root) {
		if n.Namespace == "" { // a title in a drawing is no title of the page
			seen[n.Data]++
		}
		if id := attribute(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("id %q is there twice", id)
			}
			ids[id] = true
		}
		if id, ok := strings.CutPrefix(attribute(n, "href"), "#"); ok {
			id, err := url.PathUnescape(id)
			if err != nil {
				t.Error(err)
			}
			links = append(links, id)
		}
		if by := attribute(n, "aria-labelledby"); by != "" {
			links = append(links, by)
		}
		switch n.Data {
		case "th":
			if attribute(n, "scope") == "" {
				t.Errorf("table header %q has no scope", text(n))
			}
		case "html":
			if attribute(n, "lang") != "en" {
				t.Error("no language")
			}
		}
	}
	for _, id := range links {
		if !ids[id] {
			t.Errorf("a link or label names %q, which is not there", id)
		}
	}
	for name, want := range map[string]int{"h1": 1, "main": 1, "nav": 1, "header": 1, "footer": 1, "title": 1} {
		if seen[name] != want {
			t.Errorf("%d <%s>, want %d", seen[name], name, want)
		}
	}
	if seen["caption"] != seen["table"] {
		t.Errorf("%d captions for %d tables", seen["caption"], seen["table"])
	}
	for _, badge := range elementsWithClass(root, "badge") {
		if mark, word, ok := strings.Cut(text(badge), " "); !ok || mark == "" || word == "" {
			t.Errorf("badge %q has not both a mark and a word", text(badge))
		}
	}
}

func TestHexIsGroupedAndBounded(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "0100": "0100", "01000038": "01000038", "010000380009": "01000038 0009",
	} {
		if got := groupHex(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	got := groupHex(strings.Repeat("ab", 5000))
	if !strings.HasSuffix(got, "abababab [2952 bytes more]") || len(got) > maxHexShown*9/8+30 {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-40:])
	}
}

// A page that is sent on by itself holds the captures; beside its evidence, every link leads to a file that is there.
func TestPageLinksToEvidenceAndHoldsCaptures(t *testing.T) {
	dir := t.TempDir()
	reproducer := filepath.Join(dir, "findings", "crash-1f3a9c02")
	if err := os.MkdirAll(reproducer, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(reproducer, "input.bin"), "x")
	writeRun(t, dir)
	page, err := os.ReadFile(filepath.Join(dir, HTMLFile))
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	embedded := 0
	for _, n := range elements(root) {
		href := attribute(n, "href")
		if n.Data != "a" || strings.HasPrefix(href, "#") {
			continue
		}
		if data, ok := strings.CutPrefix(href, "data:application/octet-stream;base64,"); ok {
			embedded++
			got, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join(dir, EvidenceDir, "2.1-unauthenticated-registration", attribute(n, "download")))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what the page holds: %v", attribute(n, "download"), err)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, href)); err != nil {
			t.Errorf("link to %q: %v", href, err)
		}
	}
	if embedded != 2 { // the packets and the key log
		t.Errorf("%d files are in the page", embedded)
	}
}

// Captures that are too large for a mail are linked to.
func TestPageStaysFitForAMail(t *testing.T) {
	dir, c := t.TempDir(), spoofCheck(t)
	big := &Capture{}
	for range 20 {
		big.Frames = append(big.Frames, Frame{Transport: "udp", Data: make([]byte, 60_000)})
	}
	w := newWriter(t, dir)
	if err := w.AddCheck(&c, big); err != nil {
		t.Fatal(err)
	}
	e := &embedder{dir: dir}
	for _, f := range e.evidence(&c) {
		if f.Embedded || string(f.Link) != f.Path {
			t.Errorf("%s, %s, is embedded", f.Name, f.Size)
		}
	}
	if e.used != 0 {
		t.Errorf("%d bytes are in the page", e.used)
	}
}
