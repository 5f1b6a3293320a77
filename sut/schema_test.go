// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/schema"
)

// node of a schema document.
type schemaNode struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
}

func defs(t *testing.T, text []byte) (root schemaNode, defs map[string]schemaNode) {
	t.Helper()
	var doc struct {
		schemaNode
		Defs map[string]schemaNode `json:"$defs"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.schemaNode, doc.Defs
}

func compiled(t *testing.T, text []byte, at string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json" + at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// names are those of the fields of a struct in the format of tag, and whether each is always there.
func names(v any, tag string) map[string]bool {
	out := make(map[string]bool)
	typ := reflect.TypeOf(v)
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get(tag), ",")
		if name == "" {
			name = f.Name // which the schema does not have
		}
		out[name] = !strings.Contains(options, "omit")
	}
	return out
}

func compareNames(t *testing.T, what string, have map[string]bool, in schemaNode) {
	t.Helper()
	got, want := slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(in.Properties))
	if !slices.Equal(got, want) {
		t.Errorf("%s: the type has %q, the schema %q", what, got, want)
	}
	for _, name := range in.Required {
		if !have[name] {
			t.Errorf("%s: %s is required by the schema, and the type leaves it out when it is zero", what, name)
		}
	}
}

// Types and schema say the same: who adds a field to one has to add it to the other.
func TestAdapterSchemaIsThatOfTheTypes(t *testing.T) {
	_, in := defs(t, schema.Adapter)
	types := map[string]any{
		"request": adapterRequest{}, "line": adapterLine{}, "hello": AdapterHello{}, "error": AdapterError{},
		"registrar": RegistrarSpec{}, "door": RegistrarDoor{}, "started": registrarStarted{}, "handlespace": adapterHandlespace{}, "entry": Entry{},
		"members": adapterMembers{}, "member": Member{}, "reply": adapterReply{}, "event": NodeEvent{},
		"element": ElementSpec{}, "user": UserSpec{}, "place": Place{}, "psk": PSK{}, "service": Service{}, "policy": wire.Policy{},
	}
	for name, v := range types {
		compareNames(t, name, names(v, "json"), in[name])
	}
	if len(in) != len(types) {
		t.Errorf("the schema describes %q", slices.Sorted(maps.Keys(in)))
	}
}

func TestConfigSchemaIsThatOfTheTypes(t *testing.T) {
	root, in := defs(t, schema.Config)
	compareNames(t, "file", names(Config{}, "yaml"), root)
	for name, v := range map[string]any{
		"door": DoorConfig{}, "place": PlaceConfig{}, "ready": ReadyConfig{}, "commands": CommandConfig{}, "node": NodeConfig{}, "unsupported": UnsupportedConfig{},
	} {
		compareNames(t, name, names(v, "yaml"), in[name])
	}
	for name, v := range map[string]any{"claim": Claim{}, "credentials": CredentialConfig{}, "timers": TimerConfig{}, "limits": Limits{}, "adapter": AdapterConfig{}} {
		var inner schemaNode
		if err := json.Unmarshal(root.Properties[name], &inner); err != nil {
			t.Fatal(err)
		}
		compareNames(t, name, names(v, "yaml"), inner)
	}
	features := struct {
		Properties struct {
			Feature struct {
				Enum []string `json:"enum"`
			} `json:"feature"`
		} `json:"properties"`
	}{}
	var doc struct {
		Defs map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Config, &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc.Defs["unsupported"], &features); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(features.Properties.Feature.Enum, Features()) {
		t.Errorf("features of the schema: %q", features.Properties.Feature.Enum)
	}
}

// filled sets every field of a struct to something that is not zero.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	fill(t, reflect.ValueOf(&v).Elem())
	return v
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("192.0.2.1")))
		return
	case netip.AddrPort:
		v.Set(reflect.ValueOf(netip.MustParseAddrPort("192.0.2.1:3864")))
		return
	case PEM:
		v.SetBytes([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 26, 1, 2, 3, 4, time.UTC)))
		return
	case Security:
		v.SetString(string(Secured))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key)
		fill(t, value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("tcp")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(7)
	case reflect.Uint64:
		v.SetUint(1<<63 + 1) // more than a number of JavaScript holds
	case reflect.Int64:
		v.SetInt(int64(5 * time.Second))
	case reflect.Int:
		v.SetInt(1)
	default:
		t.Fatalf("a field of kind %s cannot be carried", v.Kind())
	}
}

// carried writes v as JSON, holds it against the schema, and reads it again.
func carried[T any](t *testing.T, at string, v T) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := valid(t, compiled(t, schema.Adapter, "#/$defs/"+at), b); err != nil {
		t.Errorf("%s\n%v", b, err)
	}
	var back T
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, back, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("what comes out differs: %s", diff)
	}
}

// Everything that a check can want of a node goes through the protocol.
func TestDescriptionsAreCarriedWhole(t *testing.T) {
	carried(t, "element", filled[ElementSpec](t))
	carried(t, "user", filled[UserSpec](t))
	carried(t, "event", filled[NodeEvent](t))
	carried(t, "members", filled[adapterMembers](t))
	carried(t, "handlespace", filled[adapterHandlespace](t))
	carried(t, "registrar", specOf(Secured, []Door{{Protocol: wire.ENRP, Transport: "sctp-udp", Secured: true, Addr: netip.MustParseAddrPort("192.0.2.1:9902"), EncapsulationPort: 9899}}))
	carried(t, "started", registrarStarted{Fresh: true})
	carried(t, "element", ElementSpec{Security: Clear, Pool: "p"})
	carried(t, "user", UserSpec{Security: Clear, Pool: "p"})
	carried(t, "hello", AdapterHello{Protocol: AdapterProtocol, Name: "x", Roles: []Role{PoolUser}, Operations: []string{opResolve}})
	carried(t, "line", adapterLine{Node: "pe-1", Event: &NodeEvent{Kind: EventHome}})
	id := uint64(3)
	carried(t, "line", adapterLine{ID: &id, Error: &AdapterError{codeFailed, "no"}})
}

// The schema of the file refuses what the program refuses, so that an editor shows it first.
func TestConfigSchemaRefusesWhatTheProgramRefuses(t *testing.T) {
	s := compiled(t, schema.Config, "")
	check := func(text string) error {
		b, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return valid(t, s, b)
	}
	const good = `version: 1
name: x
address: 192.0.2.1
doors: [{protocol: asap, transport: tcp, tls: true, port: 3864}]
credentials: {psk_file: keys.psk, element: pe-alice}
commands: {start: [exampled], ready: {log: ready}, fresh: true}
unsupported: [{section: "2.17", reason: no extensions}]
`
	if err := check(good); err != nil {
		t.Error(err)
	}
	if _, err := ParseConfig([]byte(good)); err != nil {
		t.Error(err)
	}
	for _, row := range []struct{ from, to string }{
		{"version: 1", "version: 2"},
		{"name: x", "nmae: x"},
		{"protocol: asap", "protocol: http"},
		{"port: 3864", "port: 70000"},
		{"ready: {log: ready}", "ready: {}"},
		{"ready: {log: ready}", "ready: {log: '('}"},
		{"ready: {log: ready}", "ready: {door: true, timeout: soon}"},
		{"start: [exampled], ", ""},
		{"start: [exampled]", "start: [exampled], revoke: [r]"},
		{"reason: no extensions", "feature: cookies, reason: x"},
		{`section: "2.17"`, "feature: warp"},
		{`section: "2.17"`, "requirement: R1"},
		{", reason: no extensions", ""},
		{"name: x", "name: x\nroles: [router]"},
		{"name: x", "name: x\nadapter: {}"},
	} {
		text := strings.Replace(good, row.from, row.to, 1)
		if text == good {
			t.Fatalf("%q changes nothing", row.to)
		}
		if check(text) == nil {
			t.Errorf("the schema takes %q", row.to)
		}
		if _, err := ParseConfig([]byte(text)); err == nil {
			t.Errorf("the program takes %q", row.to)
		}
	}
}
