// SPDX-License-Identifier: Apache-2.0

package conversation

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Version is the version of the text form.
const Version = 1

const magic = "rspthreat-script"

// Bounds of what is read.
const (
	maxLine  = 1 << 20 // octets of a line: eight times the longest message in hexadecimal
	maxSteps = 1 << 20
	// maxRepeat runs for an hour where a repetition takes some milliseconds.
	maxRepeat = 1 << 20
	// maxIdle is longer than any timer of the RFCs but those that are set in hours.
	maxIdle = time.Hour
)

// Errors of Parse.
var (
	ErrScript  = errors.New("malformed script")
	ErrVersion = errors.New("script of another version")
)

// Format returns the text of the script.
func (s *Script) Format() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d\n", magic, Version)
	for _, line := range s.Comment {
		fmt.Fprintf(&b, "# %s\n", strings.ReplaceAll(line, "\n", " "))
	}
	if s.Repeat > 1 {
		fmt.Fprintf(&b, "repeat %d\n", s.Repeat)
	}
	protocols := map[string]wire.Protocol{}
	for i := range s.Steps {
		step := &s.Steps[i]
		switch step.Kind {
		case Open:
			protocols[step.On] = step.Caller.Protocol
			fmt.Fprintf(&b, "open %s %s\n", step.On, step.Caller)
		case Send:
			b.WriteString("send " + step.On)
			if step.PPID != 0 {
				fmt.Fprintf(&b, " ppid=%d", step.PPID)
			}
			if step.Stream != 0 {
				fmt.Fprintf(&b, " stream=%d", step.Stream)
			}
			fmt.Fprintf(&b, " %s  # %s\n", words(step.Payload), Describe(protocols[step.On], step.Payload))
		case Restart:
			b.WriteString("restart\n")
		case Idle:
			fmt.Fprintf(&b, "idle %s\n", step.Time)
		default:
			fmt.Fprintf(&b, "%s %s\n", step.Kind, step.On)
		}
	}
	return b.String()
}

// words returns octets in groups of four, placeholders in angle brackets.
func words(b []byte) string {
	var list []string
	var plain []byte
	flush := func() {
		for part := range slices.Chunk(plain, 4) {
			list = append(list, hex.EncodeToString(part))
		}
		plain = nil
	}
	for i := 0; i < len(b); {
		if i+4 <= len(b) {
			if name, ok := valueNames[Value(binary.BigEndian.Uint32(b[i:]))]; ok {
				flush()
				list = append(list, "<"+name+">")
				i += 4
				continue
			}
		}
		plain = append(plain, b[i])
		i++
	}
	flush()
	if len(list) == 0 {
		return "empty"
	}
	return strings.Join(list, " ")
}

// Describe names a message and what is special about it, in a line.
func Describe(p wire.Protocol, payload []byte) string {
	if len(payload) == 0 {
		return "nothing"
	}
	o := wire.Lenient()
	m, err := wire.Decode(p, payload, &o)
	name := wire.MessageName(p, payload[0])
	if err != nil {
		return strings.ReplaceAll(fmt.Sprintf("%s: %v", name, err), "\n", " ")
	}
	switch m := m.(type) {
	case *wire.Registration:
		return fmt.Sprintf("%s pool %q element %s", name, m.PoolHandle, m.Element.ID)
	case *wire.Deregistration:
		return fmt.Sprintf("%s pool %q element %s", name, m.PoolHandle, m.PEID)
	case *wire.HandleResolution:
		return fmt.Sprintf("%s pool %q", name, m.PoolHandle)
	case *wire.HandleUpdate:
		return fmt.Sprintf("%s pool %q element %s", name, m.PoolHandle, m.Element.ID)
	}
	return name
}

// Parse reads the text of a script. An error names the line.
func Parse(r io.Reader) (*Script, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	s := &Script{}
	open := map[string]bool{}
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if number == 1 {
			if err := checkMagic(line); err != nil {
				return nil, err
			}
			continue
		}
		if comment, ok := strings.CutPrefix(line, "#"); ok && len(s.Steps) == 0 {
			s.Comment = append(s.Comment, strings.TrimSpace(comment))
			continue
		}
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if times, ok := strings.CutPrefix(line, "repeat "); ok && len(s.Steps) == 0 && s.Repeat == 0 {
			n, err := strconv.Atoi(times)
			if err != nil || n < 1 || n > maxRepeat {
				return nil, fmt.Errorf("%w: line %d: repeat %q: a number up to %d", ErrScript, number, times, maxRepeat)
			}
			s.Repeat = n
			continue
		}
		step, err := parseStep(strings.Fields(line), open)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrScript, number, err)
		}
		if s.Steps = append(s.Steps, step); len(s.Steps) > maxSteps {
			return nil, fmt.Errorf("%w: more than %d steps", ErrScript, maxSteps)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScript, err)
	}
	if len(s.Steps) == 0 {
		return nil, fmt.Errorf("%w: it has no steps", ErrScript)
	}
	return s, nil
}

func checkMagic(line string) error {
	version, ok := strings.CutPrefix(line, magic+" ")
	if !ok {
		return fmt.Errorf("%w: it does not begin with %q", ErrScript, magic)
	}
	if version != strconv.Itoa(Version) {
		return fmt.Errorf("%w: %q, this program reads %d", ErrVersion, version, Version)
	}
	return nil
}

func parseStep(fields []string, open map[string]bool) (Step, error) {
	step := Step{Kind: Kind(fields[0])}
	if step.Kind == Restart {
		if len(fields) != 1 {
			return step, errors.New("restart takes nothing")
		}
		clear(open)
		return step, nil
	}
	if step.Kind == Idle {
		if len(fields) != 2 {
			return step, errors.New("idle DURATION")
		}
		var err error
		if step.Time, err = time.ParseDuration(fields[1]); err != nil || step.Time < 0 || step.Time > maxIdle {
			return step, fmt.Errorf("idle %q: a duration up to %s", fields[1], maxIdle)
		}
		return step, nil
	}
	if len(fields) < 2 {
		return step, fmt.Errorf("%q without an association", fields[0])
	}
	step.On = fields[1]
	if step.Kind != Open && !open[step.On] {
		return step, fmt.Errorf("association %q is not open", step.On)
	}
	rest := fields[2:]
	switch step.Kind {
	case Open:
		open[step.On] = true
		return step, step.Caller.parse(rest)
	case Send:
		return step, step.parsePayload(rest)
	case Close, Abort:
		delete(open, step.On)
	case Sync:
	default:
		return step, fmt.Errorf("unknown step %q", fields[0])
	}
	if len(rest) > 0 {
		return step, fmt.Errorf("%q after %s %s", rest[0], step.Kind, step.On)
	}
	return step, nil
}

func (c *Caller) parse(fields []string) error {
	if len(fields) != 5 || fields[3] != "as" {
		return errors.New("open NAME PROTOCOL TRANSPORT tls|clear as CREDENTIAL")
	}
	switch fields[0] {
	case "asap":
		c.Protocol = wire.ASAP
	case "enrp":
		c.Protocol = wire.ENRP
	default:
		return fmt.Errorf("unknown protocol %q", fields[0])
	}
	c.Transport = association.Transport(fields[1])
	if c.Transport != association.TCP && c.Transport != association.UDP && !c.Transport.IsSCTP() {
		return fmt.Errorf("unknown transport %q", fields[1])
	}
	if fields[2] != "tls" && fields[2] != "clear" {
		return fmt.Errorf("%q is neither tls nor clear", fields[2])
	}
	c.Secured, c.As = fields[2] == "tls", Credential(fields[4])
	if !slices.Contains(credentials, c.As) {
		return fmt.Errorf("unknown credential %q", fields[4])
	}
	if c.Secured == (c.As == Nobody) {
		return fmt.Errorf("%s through a %s door", c.As, fields[2])
	}
	return nil
}

func (s *Step) parsePayload(fields []string) error {
	s.Payload = []byte{}
	for _, f := range fields {
		if name, value, ok := strings.Cut(f, "="); ok {
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return err
			}
			switch {
			case name == "ppid":
				s.PPID = uint32(n)
			case name == "stream" && n <= 0xffff:
				s.Stream = uint16(n)
			default:
				return fmt.Errorf("unknown option %q", f)
			}
			continue
		}
		if err := s.parseWord(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Step) parseWord(f string) error {
	if f == "empty" {
		return nil
	}
	if strings.HasPrefix(f, "<") {
		for v, name := range valueNames {
			if f == "<"+name+">" {
				s.Payload = binary.BigEndian.AppendUint32(s.Payload, uint32(v))
				return nil
			}
		}
		return fmt.Errorf("unknown value %s", f)
	}
	b, err := hex.DecodeString(f)
	if err != nil {
		return fmt.Errorf("%q is no hexadecimal", f)
	}
	s.Payload = append(s.Payload, b...)
	return nil
}
