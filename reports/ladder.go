// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Measures of a ladder diagram, in CSS pixels.
const (
	ladderGutter = 76  // left of the first lifeline's box: times
	ladderColumn = 214 // between lifelines: room for ASAP_HANDLE_RESOLUTION_RESPONSE
	ladderTop    = 44  // names of the nodes
	ladderRow    = 46  // a message
	ladderBand   = 34  // the title of a step
	ladderHead   = 8   // arrow head
	// ladderMessages is how many messages one diagram holds, so that a browser lays out only those in sight.
	ladderMessages = 100
	// ladderNodes bounds the columns; what a hostile system calls itself may differ with every message.
	ladderNodes = 10
	nodeLabel   = 24 // characters
	arrowLabel  = 34 // characters below an arrow, for each column that it crosses
)

// ladder is one message sequence diagram.
type ladder struct {
	Check         string
	Part, Parts   int
	First, Last   int // numbers of its messages, from 1
	Width, Height int
	Right         int // end of the bands
	Nodes         []lifeline
	Bands         []ladderTitle
	Arrows        []ladderArrow
}

type lifeline struct {
	Name, Label string
	X, Bottom   int
	Attacker    bool
}

type ladderTitle struct {
	Y, Text int
	Kind    StepKind
	Title   string
}

// ladderArrow is one message.
type ladderArrow struct {
	Index                          int // in Check.Messages
	Y, X1, X2, LabelX, RowY, TimeY int
	Head                           string // points of the arrow head
	Name, Gist, After, Says        string
	Secured, Malformed, Attack     bool
}

// ladders draws the messages of a check.
func ladders(c *Check) []ladder {
	if len(c.Messages) == 0 {
		return nil
	}
	names := nodes(c.Messages)
	var out []ladder
	parts := (len(c.Messages) + ladderMessages - 1) / ladderMessages
	for p := range parts {
		from, to := p*ladderMessages, min((p+1)*ladderMessages, len(c.Messages))
		l := ladder{Check: c.ID, Part: p + 1, Parts: parts, First: from + 1, Last: to}
		l.draw(c, names, from, to)
		out = append(out, l)
	}
	return out
}

// nodes returns who takes part, with whoever speaks to most others in the middle: there fewest arrows cross a lifeline.
// Attackers stand first, where they are in sight also on a narrow screen.
func nodes(messages []Message) []string {
	peers := map[string]map[string]bool{}
	var names []string
	meet := func(a, b string) {
		if peers[a] == nil {
			peers[a] = map[string]bool{}
			names = append(names, a)
		}
		peers[a][b] = true
	}
	for i := range messages {
		meet(messages[i].From, messages[i].To)
		meet(messages[i].To, messages[i].From)
	}
	if len(names) > ladderNodes {
		names = append(names[:ladderNodes-1], "others")
	}
	centre := slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(len(peers[a]), len(peers[b])) })
	if len(names) < 3 {
		return names
	}
	at, middle := slices.Index(names, centre), len(names)/2
	names = slices.Delete(names, at, at+1)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return slices.Insert(names, middle, centre)
}

// rank is 0 for attackers, and 1 for everybody else.
func rank(node string) int {
	if isAttacker(node) {
		return 0
	}
	return 1
}

func (l *ladder) draw(c *Check, names []string, from, to int) {
	x := func(name string) int {
		i := slices.Index(names, name)
		if i < 0 {
			i = len(names) - 1
		}
		return ladderGutter + ladderColumn/2 + i*ladderColumn
	}
	l.Width = ladderGutter + len(names)*ladderColumn
	l.Right = l.Width - 1
	y, step := ladderTop, -1
	for i := from; i < to; i++ {
		m := &c.Messages[i]
		if (i == from || m.Step != step) && m.Step >= 0 && m.Step < len(c.Steps) {
			s := c.Steps[m.Step]
			l.Bands = append(l.Bands, ladderTitle{Y: y + 4, Text: y + 21, Kind: s.Kind, Title: cut(s.Title, 30*len(names))})
			y += ladderBand
		}
		step = m.Step
		l.Arrows = append(l.Arrows, newArrow(c, m, i, y, x(m.From), x(m.To)))
		y += ladderRow
	}
	l.Height = y + 8
	for _, n := range names {
		l.Nodes = append(l.Nodes, lifeline{Name: n, Label: cut(n, nodeLabel), X: x(n), Bottom: l.Height, Attacker: isAttacker(n)})
	}
}

func newArrow(c *Check, m *Message, index, y, x1, x2 int) ladderArrow {
	a := ladderArrow{
		Index: index, RowY: y, Y: y + 25, TimeY: y + 29, X1: x1, X2: x2, LabelX: (x1 + x2) / 2, Name: cut(m.Name, 36),
		After: "+" + shortDuration(since(c, m)), Secured: m.Secured, Malformed: m.Name == "malformed", Attack: isAttacker(m.From),
	}
	columns := max((x2-x1)/ladderColumn, (x1-x2)/ladderColumn, 1)
	a.Gist = cut(m.Summary, arrowLabel*columns)
	way := 1
	if x2 < x1 {
		way = -1
	}
	if x1 == x2 { // to itself: a stub is enough, the message tells the rest
		a.X2, a.LabelX = x1+ladderColumn/3, x1+ladderColumn/3
	}
	a.Head = fmt.Sprintf("%d,%d %d,%d %d,%d", a.X2, a.Y, a.X2-way*ladderHead, a.Y-4, a.X2-way*ladderHead, a.Y+4)
	door := "in clear"
	if m.Secured {
		door = "over TLS"
	}
	// What is heard begins with what is seen, for those who speak to their browser.
	a.Says = fmt.Sprintf("%s %s %s, message %d from %s to %s, %s", a.After, a.Name, a.Gist, index+1, cut(m.From, 60), cut(m.To, 60), door)
	return a
}

// isAttacker tells whether a node is one of the attackers; actors name themselves.
func isAttacker(name string) bool {
	for _, word := range []string{"attacker", "rogue", "stranger", "insider", "spoofer", "replayer", "flooder", "on-path", "malicious"} {
		if strings.Contains(strings.ToLower(name), word) {
			return true
		}
	}
	return false
}

func since(c *Check, m *Message) time.Duration {
	if m.Time.IsZero() || c.Started.IsZero() {
		return 0
	}
	return m.Time.Sub(c.Started)
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}

// messageData is what the page's script shows of the messages of a check when somebody opens one. It stands in the page as
// data, since laying out ten thousand decoded messages that nobody looks at would take a browser long.
type messageData struct{ check *Check }

// JSON escapes <, > and &, so that it cannot end the element that it stands in.
func (d messageData) JSON() (template.JS, error) {
	type message struct {
		After   string   `json:"after"`
		Time    string   `json:"time"`
		Step    string   `json:"step"`
		From    string   `json:"from"`
		To      string   `json:"to"`
		Door    string   `json:"door"`
		Secured bool     `json:"secured"`
		Name    string   `json:"name"`
		Summary string   `json:"summary"`
		Hex     string   `json:"hex"`
		Bytes   int      `json:"bytes"`
		Fields  [][5]any `json:"fields"` // depth, name, value, offset, length
	}
	out := make([]message, 0, len(d.check.Messages))
	for i := range d.check.Messages {
		m := &d.check.Messages[i]
		e := message{
			After: "+" + shortDuration(since(d.check, m)), Time: m.Time.UTC().Format("15:04:05.000000"), From: m.From, To: m.To,
			Door: m.Door, Secured: m.Secured, Name: m.Name, Summary: m.Summary, Hex: hexDigits(m.Hex), Bytes: len(m.Hex) / 2,
			Fields: make([][5]any, 0, len(m.Fields)),
		}
		if m.Step >= 0 && m.Step < len(d.check.Steps) {
			s := d.check.Steps[m.Step]
			e.Step = fmt.Sprintf("step %d, %s: %s", m.Step+1, s.Kind, s.Title)
		}
		for _, f := range m.Fields {
			e.Fields = append(e.Fields, [5]any{f.Depth, f.Name, f.Value, f.At, f.Length})
		}
		out = append(out, e)
	}
	b, err := json.Marshal(out)
	return template.JS(b), err
}

// hexDigits is as much of a message as the page shows, and nothing but hexadecimal digits.
func hexDigits(h string) string {
	if len(h) > maxHexShown {
		h = h[:maxHexShown]
	}
	if strings.Trim(h, "0123456789abcdefABCDEF") != "" {
		return ""
	}
	return h[:len(h)&^1]
}
