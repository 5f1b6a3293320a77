// SPDX-License-Identifier: Apache-2.0

package fuzz_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/google/gopacket"
	ip "github.com/google/gopacket/layers"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reference/wire/layers"
	"github.com/rspthreat/rspthreat/reports"
)

var (
	update   = flag.Bool("update", false, "write the corpora")
	captures = flag.String("captures", "", "with -update: add the messages in the captures (pcapng, link type raw) of this directory")
)

// TestCorporaAreCurrent makes the corpora anew from what they come from. More files than these
// may be there: messages of captures, and what once was a fault.
//
//	go test ./fuzz -run TestCorporaAreCurrent -update -captures rspthreat-report
func TestCorporaAreCurrent(t *testing.T) {
	vectors := readVectors(t)
	for name, corpus := range map[string]map[string][]byte{
		"message": messages(vectors), "stream": streams(vectors), "handlespace": operations(), "registrar": sieges(vectors),
		"config": configurations(t), "results": resultsFiles(t),
		"element": attendances(), "user": informations(), "adapter": adapterScripts(),
	} {
		if *update && *captures != "" && name == "message" {
			addCaptures(t, corpus, *captures)
		}
		for file, want := range corpus {
			path := filepath.Join("corpus", name, file)
			if *update {
				write(t, path, want)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not current (%v): run this test with -update", path, err)
			}
		}
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

type vector struct {
	name  string
	bytes []byte
}

// readVectors reads the messages with known meaning.
func readVectors(t *testing.T) (list []vector) {
	t.Helper()
	text, err := os.ReadFile("../reference/wire/testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, " | ") {
			name = strings.Fields(line)[0]
			continue
		}
		if b, err := hex.DecodeString(strings.ReplaceAll(line, " ", "")); err == nil && len(b) > 0 {
			list = append(list, vector{name, b})
		}
	}
	if len(list) == 0 {
		t.Fatal("no vectors")
	}
	return list
}

// messages has the vectors, and messages with what is in no vector.
func messages(vectors []vector) map[string][]byte {
	corpus := map[string][]byte{}
	for _, v := range vectors {
		corpus[v.name] = v.bytes
	}
	handle := func() *wire.Raw { return wire.RawParameter(wire.ParameterPoolHandle).Put([]byte("odd")...) }
	for action, typ := range map[string]wire.ParameterType{"stop": 0x0020, "stop-report": 0x4020, "skip": 0x8020, "skip-report": 0xc020} {
		corpus["unknown-parameter-"+action] = wire.RawMessage(wire.TypeHandleResolution).
			Add(handle(), wire.RawParameter(typ).Put(1, 2, 3)).Bytes()
	}
	corpus["unknown-message-report"] = wire.RawMessage(0x41).Add(handle()).Bytes()
	corpus["option"] = wire.RawMessage(wire.TypeHandleResolution).
		Add(handle(), wire.RawParameter(wire.ParameterHandleResolution).Put32(1)).Bytes()
	corpus["covered-padding"] = wire.RawMessage(wire.TypeHandleResolution).CoverPadding().Add(handle()).Bytes()
	corpus["nothing"] = nil
	corpus["two-messages"] = append(bytes.Clone(vectors[0].bytes), vectors[1].bytes...)
	return corpus
}

// streams has the vectors as a stream in segments: limit, number of sizes, sizes, octets.
func streams(vectors []vector) map[string][]byte {
	var all []byte
	for _, v := range vectors {
		all = append(all, v.bytes...)
	}
	const noLimit, smallest = 3, 1 // index into the limits of the target
	return map[string][]byte{
		"at-once":        append([]byte{noLimit, 0}, all...),
		"octet-by-octet": append([]byte{noLimit, 1, 1}, all[:200]...),
		"odd-segments":   append([]byte{noLimit, 3, 3, 0, 61}, all...),
		"cut":            append([]byte{noLimit, 0}, all[:len(all)-1]...),
		"above-limit":    append([]byte{smallest, 0}, all...),
		"length-3":       {noLimit, 0, 1, 0, 0, 3},
		"with-padding":   {noLimit, 1, 5, 1, 0, 0, 5, 1, 0, 0, 0, 1, 0, 0, 8, 1, 2, 3, 4},
		"nothing":        {noLimit},
	}
}

// Sizes of generated decision streams: enough for some ten decisions each.
const (
	decisionStreams = 8
	decisionOctets  = 160
)

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func operations() map[string][]byte {
	corpus, r := map[string][]byte{}, rand.New(rand.NewPCG(1, 1))
	for i := range decisionStreams {
		corpus[fmt.Sprintf("operations-%d", i)] = random(r, decisionOctets)
	}
	return corpus
}

// sieges has two speakers each, and decisions; one has messages of vectors as they are.
func sieges(vectors []vector) map[string][]byte {
	corpus, r := map[string][]byte{}, rand.New(rand.NewPCG(2, 2))
	for i := range byte(11) { // the speakers of the target
		corpus[fmt.Sprintf("speakers-%d", i)] = append([]byte{i, i + 1}, random(r, decisionOctets)...)
	}
	raw := []byte{0, 6}
	for _, v := range vectors {
		first := byte(0)
		if v.name[0] == 'E' {
			first = 0x80
		}
		raw = append(binary.BigEndian.AppendUint16(append(raw, first), uint16(len(v.bytes))), v.bytes...)
	}
	corpus["vectors"] = raw
	return corpus
}

const fullConfig = `version: 1
name: all of it
claim: {organisation: o, product: p, version: "1", contact: c@example.net}
security: secured
dialect: rfc
address: 192.0.2.1
local_addresses: [127.0.0.1, "::1"]
encapsulation_port: 9899
doors:
  - {protocol: asap, transport: tcp, tls: true, port: 3864}
  - {protocol: enrp, transport: sctp-udp, tls: true, port: 9902, address: "2001:db8::1"}
  - {protocol: asap, transport: udp, port: 3863}
pool: EchoPool
other_pool: "odd name"
credentials: {psk_file: keys.psk, element: a, other_element: b, restricted_element: c, peer: d, ca_file: ca.pem, server_name: s}
timers: {response: 2s, removal: 1m30s}
commands:
  start: [./start, "--flag=a b"]
  reset: [rspthreat, guest, reset]
log_file: log
`

func configurations(t *testing.T) map[string][]byte {
	rsplib, err := os.ReadFile("../sut/rsplib.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"rsplib": rsplib, "full": []byte(fullConfig)}
}

func resultsFiles(t *testing.T) map[string][]byte {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := reports.Results{
		Schema: reports.SchemaID, Tool: reports.Tool{Name: "rspthreat", Version: "1"}, Started: at, Finished: at.Add(time.Second),
		Results: []reports.Result{{ID: "r", Section: "2.1", Verdict: reports.Pass, Duration: time.Second}},
		Checks: []reports.Check{{
			ID: "c", Section: "2.1", Steps: []reports.Step{{Kind: reports.Attack, Title: "a", Verdict: reports.Fail}},
			Messages: []reports.Message{{From: "pe alice", To: "registrar", Hex: "0500"}}, Log: []string{"line"},
		}},
	}
	b, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	indented, err := json.MarshalIndent(&reports.Results{Schema: reports.SchemaID}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"run": b, "empty": indented}
}

// maxCaptured bounds the messages taken from captures: one of each type and size is enough.
const maxCaptured = 40

// addCaptures adds the messages in clear of the captures.
func addCaptures(t *testing.T, corpus map[string][]byte, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.pcapng"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in %s: %v", dir, err)
	}
	seen := map[[2]int]bool{}
	for _, file := range files {
		for _, m := range captured(t, file) {
			kind := [2]int{int(m.Message.Protocol())<<8 | int(m.Message.Type()), len(m.Contents)}
			if !seen[kind] && len(seen) < maxCaptured {
				seen[kind] = true
				corpus[fmt.Sprintf("capture-%.4x", sha256.Sum256(m.Contents))] = bytes.Clone(m.Contents)
			}
		}
	}
}

// captured returns the messages that stand in one packet each.
func captured(t *testing.T, file string) (list []*layers.Message) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewNgReader(f, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for {
		b, _, err := r.ReadPacketData()
		if err != nil {
			return list
		}
		for _, l := range gopacket.NewPacket(b, firstLayer(b), gopacket.Default).Layers() {
			if m, ok := l.(*layers.Message); ok {
				list = append(list, m)
			}
		}
	}
}

// firstLayer tells IPv4 from IPv6.
func firstLayer(b []byte) gopacket.LayerType {
	if len(b) > 0 && b[0]>>4 == 6 {
		return ip.LayerTypeIPv6
	}
	return ip.LayerTypeIPv4
}
