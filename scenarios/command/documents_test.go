// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rspthreat/rspthreat/sut"
)

// documents are the texts for vendors, and the recipes.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, root := range []string{"../../sut/VENDORS.md", "../../sut/ADAPTER.md", "../../sut/recipes"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

var (
	invocation = regexp.MustCompile("(?m)(?:^|[\\s`'\"|])rspthreat ((?:[a-z]+ ?)(?:[^\\n`#]*))")
	flag       = regexp.MustCompile(`--([a-z][a-z-]+)`)
)

// Every command that a document or a recipe shows is one that there is, with flags that it has.
func TestDocumentsShowCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	names := []string{
		"run", "doctor", "init", "baseline", "claim", "report", "schema", "adapter", "explain", "list", "verify", "guest", "registrar", "pe", "pu", "diff", "matrix", "prove",
	}
	seen := 0
	for _, path := range documents(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A command that goes on in the next line is one.
		for _, found := range invocation.FindAllStringSubmatch(strings.ReplaceAll(string(b), "\\\n", " "), -1) {
			words := strings.Fields(found[1])
			if !slices.Contains(names, words[0]) {
				continue // a sentence about the program
			}
			seen++
			args := []string{words[0]}
			if words[0] == "report" {
				args = append(args, "merge")
			}
			code, help, stderr := rspthreat(t.Context(), append(args, "--help")...)
			if code != 0 {
				t.Errorf("%s: rspthreat %s: %s", path, found[1], stderr)
			}
			own, _, _ := strings.Cut(found[1], " -- ") // what follows is another command
			for _, f := range flag.FindAllStringSubmatch(own, -1) {
				if f[1] != "help" && !strings.Contains(help, "--"+f[1]) {
					t.Errorf("%s: rspthreat %s has no --%s", path, strings.Join(args, " "), f[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands are found", seen)
	}
}

var block = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// Every piece of a configuration in the documents is one that the program takes, beside what
// every file has.
func TestDocumentsShowConfigurationsThatLoad(t *testing.T) {
	t.Parallel()
	const base = "version: 1\nname: x\nsecurity: secured\naddress: 192.0.2.1\ndoors: [{protocol: asap, transport: tcp, tls: true, port: 3864}]\n"
	seen := 0
	for _, path := range documents(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range block.FindAllStringSubmatch(string(b), -1) {
			seen++
			text := found[1]
			var have map[string]any
			if err := yaml.Unmarshal([]byte(text), &have); err != nil {
				t.Fatalf("%s: %v\n%s", path, err, text)
			}
			for line := range strings.Lines(base) {
				key, _, _ := strings.Cut(line, ":")
				if _, ok := have[key]; !ok {
					text = line + text
				}
			}
			if _, err := sut.ParseConfig([]byte(text)); err != nil {
				t.Errorf("%s: %v\n%s", path, err, text)
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d pieces are found", seen)
	}
}

// Every message in the text about the protocol is JSON.
func TestAdapterDocumentShowsMessages(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../sut/ADAPTER.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, found := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		d := json.NewDecoder(strings.NewReader(found[1]))
		for d.More() {
			var message map[string]any
			if err := d.Decode(&message); err != nil {
				t.Fatalf("%v in\n%s", err, found[1])
			}
			seen++
		}
	}
	if seen < 6 {
		t.Errorf("only %d messages are found", seen)
	}
}
