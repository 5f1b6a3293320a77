// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
	"github.com/rspthreat/rspthreat/sut"
)

// Whatever init is told, the file loads, and holds against the schema that it writes beside it.
func TestInitWritesAFileThatLoads(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		flags []string
		roles int
	}{
		{"nothing said", nil, 1},
		{"clear", []string{"--security", "clear", "--transport", "sctp"}, 1},
		{"everything", []string{
			"--role", "registrar,pe,pu", "--name", `A "quoted": name # here`, "--organisation", "Ex & Co", "--product-version", "2.10", "--contact", "a@example.org",
			"--other-element", "pe-bob", "--restricted-element", "no", "--peer", "123", "--ca-file", "keys.psk", "--server-name", "r.example.org",
			"--start", "exampled --config=x.conf -v", "--make-credentials",
		}, 3},
		{"an adapter", []string{"--role", "pe,pu", "--adapter", "python3 adapter.py"}, 2},
		{"a user by itself", []string{"--role", "pu", "--make-credentials"}, 1},
		{"an element by itself", []string{"--role", "pe", "--make-credentials"}, 1},
		{"an element in clear", []string{"--role", "pe", "--security", "clear"}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sut.yaml")
			code, _, stderr := rspthreat(t.Context(), append([]string{"init", path}, row.flags...)...)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			cfg, err := sut.LoadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(cfg.Roles) != row.roles {
				t.Errorf("roles %q", cfg.Roles)
			}
			if strings.Contains(strings.Join(row.flags, " "), "--make-credentials") && !strings.Contains(strings.Join(row.flags, " "), "--ca-file") {
				if _, err := sut.NewExternal(cfg); err != nil {
					t.Errorf("with what it made: %v", err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, filepath.Join(filepath.Dir(path), "sut.schema.json"), text)
			if code, _, stderr := rspthreat(t.Context(), append([]string{"init", path}, row.flags...)...); code != reports.ExitUsage || !strings.Contains(stderr, "--force") {
				t.Errorf("it is overwritten: exit code %d, %s", code, stderr)
			}
		})
	}
}

func holds(t *testing.T, schema string, text []byte) {
	t.Helper()
	b, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	s, err := jsonschema.NewCompiler().Compile(schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// An adapter that was given is in the file, whatever the roles.
func TestInitKeepsTheAdapter(t *testing.T) {
	t.Parallel()
	for _, roles := range []string{"registrar", "pe,pu", "registrar,pe"} {
		path := filepath.Join(t.TempDir(), "sut.yaml")
		code, _, stderr := rspthreat(t.Context(), "init", path, "--role", roles, "--adapter", "./adapter --fast")
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		cfg, err := sut.LoadConfig(path)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Adapter == nil || !slices.Equal(cfg.Adapter.Command, []string{"./adapter", "--fast"}) {
			t.Errorf("%s: adapter %+v", roles, cfg.Adapter)
		}
	}
}

// What it is asked on a terminal it asks again until the answer makes sense.
func TestInitAsks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	var out, questions output
	answers := "my element\nrouter\npe\nmaybe\nclear\n./adapter --fast\n"
	code := command.Main(t.Context(), []string{"init", path, "--ask"}, &out, &questions, command.WithInput(strings.NewReader(answers)))
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, &questions)
	}
	cfg, err := sut.LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Name != "my element" || cfg.Security != sut.Clear || len(cfg.Adapter.Command) != 2 || cfg.Roles[0] != sut.PoolElement {
		t.Errorf("%+v", cfg)
	}
	for _, want := range []string{`"router" is none of registrar, pe, pu`, `"maybe" is none of secured, clear`} {
		if !strings.Contains(questions.String(), want) {
			t.Errorf("it does not say %q: %s", want, &questions)
		}
	}
	path = filepath.Join(t.TempDir(), "short.yaml")
	if code := command.Main(t.Context(), []string{"init", path, "--ask"}, &out, &questions, command.WithInput(strings.NewReader("x\n"))); code != reports.ExitUsage {
		t.Errorf("exit code %d when the answers end too early", code)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was written without the answers")
	}
}
