// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"github.com/rspthreat/rspthreat/sut"
)

//go:embed init.yaml.tmpl
var initText string

var initTemplate = template.Must(template.New("sut.yaml").Funcs(template.FuncMap{"q": quoteYAML, "flow": flow}).Parse(initText))

// quoteYAML writes a value as YAML reads it: plain where nothing can be mistaken.
func quoteYAML(s string) string {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(" ./-_'0123456789", r) {
			return doubleQuoted(s)
		}
	}
	if s != "" && strings.ContainsRune("-'. 0123456789", rune(s[0])) {
		return doubleQuoted(s) // a number, or something with a meaning of its own
	}
	switch s {
	case "", "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return doubleQuoted(s)
	}
	if strings.HasSuffix(s, " ") {
		return doubleQuoted(s)
	}
	return s
}

// doubleQuoted is a JSON string, which YAML has in it.
func doubleQuoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be encoded
	return strings.TrimSpace(b.String())
}

func flow(words []string) string {
	quoted := make([]string, 0, len(words))
	for _, w := range words {
		quoted = append(quoted, quoteYAML(w))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// initView is what the template shows.
type initView struct {
	*answers
	File, Schema       string
	Registrar, Secured bool
	Keys, Authority    bool
	Doors              []sut.DoorConfig
	Nodes              []initNode
}

// initNode is a pool element or pool user.
type initNode struct {
	Key, Title, Role string
	Places           []sut.PlaceConfig
}

func (a *answers) view(file string) initView {
	v := initView{
		answers: a, File: file, Schema: schemaFile, Registrar: a.has(sut.Registrar), Secured: a.Security == string(sut.Secured),
		Keys: a.needsKeys(len(a.Adapter) > 0), Authority: a.needsAuthority(len(a.Adapter) > 0),
	}
	ports := map[string]uint16{"asap": 3863, "enrp": 9901}
	if v.Secured {
		ports = map[string]uint16{"asap": 3864, "enrp": 9902}
	}
	for _, protocol := range []string{"asap", "enrp"} {
		for _, transport := range a.Transports {
			if protocol == "enrp" && transport == "tcp" {
				continue // RFC 5353 has SCTP only
			}
			v.Doors = append(v.Doors, sut.DoorConfig{Protocol: protocol, Transport: transport, TLS: v.Secured, Port: ports[protocol]})
		}
	}
	for _, n := range []initNode{{Key: "element", Title: "pool element", Role: "pe"}, {Key: "user", Title: "pool user", Role: "pu"}} {
		if !a.has(sut.Role(n.Role)) {
			continue
		}
		transport, name := "sctp-udp", ""
		if n.Role == "pu" {
			transport = "tcp"
			if v.Secured {
				name = "registrar.example.org"
			}
		}
		for _, address := range a.Places {
			n.Places = append(n.Places, sut.PlaceConfig{Transport: transport, Address: address, Name: name})
		}
		v.Nodes = append(v.Nodes, n)
	}
	return v
}

// keyLength is as long as the hash that TLS 1.3 binds a key to.
const keyLength = 32

// credentials makes what the file names: fresh keys, and a test authority.
func (a *answers) credentials() (map[string][]byte, error) {
	made := make(map[string][]byte)
	if a.needsKeys(len(a.Adapter) > 0) {
		var b bytes.Buffer
		for _, identity := range []string{a.Element, a.OtherElement, a.RestrictedElement, a.Peer} {
			if identity == "" {
				continue
			}
			key := make([]byte, keyLength)
			if _, err := rand.Read(key); err != nil {
				return nil, fmt.Errorf("init: system randomness: %w", err)
			}
			fmt.Fprintf(&b, "%s:%s\n", identity, hex.EncodeToString(key))
		}
		made[a.PSKFile] = b.Bytes()
	}
	if a.needsAuthority(len(a.Adapter) > 0) {
		authority, err := sut.NewTestAuthority("rspthreat test authority")
		if err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
		key, err := authority.KeyPEM()
		if err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
		made[a.AuthorityFile], made[a.AuthorityKeyFile] = authority.PEM(), key
	}
	return made, nil
}
