// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"hash/fnv"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// look sees whether the case was answered in a new way: the kinds of answers count, not how many
// of each there were.
func (l *lane) look(c *model.Case, r *link.Result) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.block.Part.Role))
	_, _ = h.Write([]byte(l.block.State))
	if len(c.Says) > 0 && len(c.Says[0].Payload) > 0 {
		_, _ = h.Write(c.Says[0].Payload[:1])
	}
	var classes []string
	for i := range r.Replies {
		if k := class(&r.Replies[i]); !slices.Contains(classes, k) {
			classes = append(classes, k)
		}
	}
	slices.Sort(classes)
	for _, k := range classes {
		_, _ = h.Write([]byte(k))
	}
	switch {
	case r.Ended != nil:
		_, _ = h.Write([]byte("ended"))
	case r.Silent:
		_, _ = h.Write([]byte("silent"))
	}
	if key := h.Sum64(); l.c.isNovel(key) {
		l.novel = append(l.novel, novel{c.ID.String(), key})
		l.round.followUp(c.ID)
	}
}

// class is what kind of an answer it is.
func class(r *link.Reply) string {
	if r.Message == nil {
		return "\xff"
	}
	b := []byte{r.Message.Type()}
	var causes []wire.Cause
	switch m := r.Message.(type) {
	case *wire.RegistrationResponse:
		causes = m.Causes
		if m.Reject {
			b = append(b, 1)
		}
	case *wire.DeregistrationResponse:
		causes = m.Causes
	case *wire.HandleResolutionResponse:
		causes = m.Causes
		b = append(b, byte(min(len(m.Elements), 3)))
	case *wire.ASAPError:
		causes = m.Causes
	case *wire.ENRPError:
		causes = m.Causes
	case *wire.HandleTableResponse:
		b = append(b, byte(min(len(m.Pools), 3)))
	}
	for i := range causes {
		b = append(b, byte(causes[i].Code))
	}
	return string(b)
}
