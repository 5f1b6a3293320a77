// SPDX-License-Identifier: Apache-2.0

package reports

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"text/template"
)

// encapsulationPort is the UDP port of SCTP (RFC 6951); Wireshark knows it by itself.
const encapsulationPort = 9899

//go:embed page/rspthreat.lua.tmpl
var luaSource string

// ports knows which protocol a port carries. Wireshark knows ASAP and ENRP in clear on their own ports only,
// and cannot be told by its options which protocol is inside TLS; a Lua script can.
type ports struct {
	clear   map[uint16]string // port to protocol
	secured map[uint16]string
	udp     map[uint16]bool // UDP ports that carry SCTP
}

// wellKnownPorts returns the ports of RFC 5352 and RFC 5353.
func wellKnownPorts() ports {
	return ports{
		clear:   map[uint16]string{3863: "asap", 9901: "enrp"},
		secured: map[uint16]string{3864: "asap", 9902: "enrp"},
		udp:     map[uint16]bool{},
	}
}

// open adds the ports of doors. A door without a numeric port, or of another protocol, tells nothing.
func (p *ports) open(doors []Door) {
	for _, d := range doors {
		_, port, err := net.SplitHostPort(d.Address)
		if err != nil {
			continue
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || (d.Protocol != "asap" && d.Protocol != "enrp") {
			continue
		}
		if d.Secured {
			p.secured[uint16(n)] = d.Protocol
		} else {
			p.clear[uint16(n)] = d.Protocol
		}
	}
}

// learn adds the doors of a capture and its UDP ports that carry SCTP.
func (p *ports) learn(c *Capture) {
	p.open(c.Doors)
	for i := range c.Frames {
		f := &c.Frames[i]
		if f.Transport != "sctp-udp" {
			continue
		}
		src, dst := f.Src.Port(), f.Dst.Port()
		if src != encapsulationPort && dst != encapsulationPort && !p.udp[src] {
			p.udp[dst] = true
		}
	}
}

// writeLua writes the script for Wireshark.
func (p *ports) writeLua(w io.Writer) error {
	t, err := template.New("lua").Parse(luaSource)
	if err != nil {
		return fmt.Errorf("lua template: %w", err)
	}
	type port struct {
		Number   uint16
		Protocol string
	}
	list := func(m map[uint16]string) (out []port) {
		for _, n := range slices.Sorted(maps.Keys(m)) {
			out = append(out, port{n, m[n]})
		}
		return out
	}
	return t.Execute(w, map[string]any{
		"Clear": list(p.clear), "Secured": list(p.secured), "UDP": slices.Sorted(maps.Keys(p.udp)),
	})
}

// captureCommands open a capture with what it takes to see ASAP and ENRP inside TLS; to be run in the directory of rspthreat.lua.
func captureCommands(capture string) []string {
	return []string{
		"wireshark -X lua_script:" + LuaFile + " " + capture,
		"tshark -X lua_script:" + LuaFile + " -r " + capture + " -V",
	}
}
