// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// resultsSchema compiles the schema that users get.
func resultsSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func jsonOf(t *testing.T, r *Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeJSON(&b, clean(r)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestResultsAreValidAndReadBack(t *testing.T) {
	s := resultsSchema(t)
	for name, r := range map[string]*Results{
		"every verdict": everyVerdict(t), "hostile": hostile(t), "nothing": {}, "all fields": filled(t),
	} {
		t.Run(name, func(t *testing.T) {
			b := jsonOf(t, r)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err != nil {
				t.Error(err)
			}
			back, err := ReadResults(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(clean(r), back); d != "" {
				t.Error(d)
			}
		})
	}
}

// filled returns results with no field left zero, so that the schema cannot miss one.
func filled(t *testing.T) *Results {
	t.Helper()
	var r Results
	fillValue(reflect.ValueOf(&r).Elem())
	r.Schema, r.Checks[0].Capture = SchemaID, "check.pcapng"
	r.Findings[0].Capture = "findings/x.pcapng"
	return &r
}

func fillValue(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = start
		return
	case *Verdict:
		*x = Fail
		return
	case *KnownState:
		*x = KnownExpired
		return
	case *StepKind:
		*x = Oracle
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(1)
	}
}

func TestReadResultsRefusesWhatItDoesNotKnow(t *testing.T) {
	good := string(jsonOf(t, everyVerdict(t)))
	for _, c := range []struct {
		name, in string
		is       error
		says     string
	}{
		{"another version", strings.Replace(good, "results/1", "results/2", 1), ErrSchema, "results/2"},
		{"no version", `{}`, ErrSchema, `unknown schema ""`},
		{"unknown field", strings.Replace(good, `"tool"`, `"mood": 1, "tool"`, 1), nil, `unknown field "mood"`},
		{"unknown nested field", strings.Replace(good, `"gist"`, `"mood": 1, "gist"`, 1), nil, `unknown field "mood"`},
		{"unknown verdict", strings.Replace(good, `"harness-error"`, `"great"`, 1), nil, `unknown verdict "great"`},
		{"something after", good + "{}", nil, "after"},
		{"cut", good[:len(good)/2], nil, "unexpected end"},
		{"not JSON", "<html>", nil, "invalid character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadResults(strings.NewReader(c.in))
			if err == nil || !strings.Contains(err.Error(), c.says) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("error %v, want %v with %q", err, c.is, c.says)
			}
		})
	}
}

// spaces never ends.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestReadResultsIsBounded(t *testing.T) {
	if _, err := ReadResults(spaces{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestSchemaRefusesUnknownVerdicts(t *testing.T) {
	var doc any
	if err := json.Unmarshal(bytes.Replace(jsonOf(t, everyVerdict(t)), []byte(`"warn"`), []byte(`"great"`), 1), &doc); err != nil {
		t.Fatal(err)
	}
	if err := resultsSchema(t).Validate(doc); err == nil {
		t.Error("a verdict that does not exist is valid")
	}
}
