// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"os"
	"path/filepath"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/mutate"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// killer is a parameter of which it is known that a long one kills the system: a campaign that
// goes on killing it in the same way does little else.
type killer struct {
	typ    wire.ParameterType
	length int
}

const (
	// longParameter is longer than the parameters of honest messages: one of this length is what
	// kills, and not what else is in the message.
	longParameter = 36
	// stillRun is the share of cases with a killer that is run all the same, as there may be more to it.
	stillRun = 16
)

// learnKillers takes from the findings what kills by its length.
func (c *Campaign) learnKillers() {
	c.killers = nil
	for _, f := range c.store.List() {
		if f.Kind != string(monitor.Crash) || !f.Confirmed || f.Messages != 1 {
			continue
		}
		if s, err := readScript(filepath.Join(c.store.Dir, f.Script)); err == nil {
			c.learn(s)
		}
	}
}

func (c *Campaign) learn(s *conversation.Script) {
	for i := range s.Steps {
		if s.Steps[i].Kind != conversation.Send {
			continue
		}
		if typ, length := mutate.Longest(s.Steps[i].Payload); length > longParameter {
			c.killers = append(c.killers, killer{typ, length})
		}
	}
}

func readScript(path string) (*conversation.Script, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return conversation.Parse(file)
}

// avoids tells whether a case is left out, as it would kill the system once more in a way that is known.
func (c *Campaign) avoids(k *model.Case) bool {
	if k.ID.Root%stillRun == 0 {
		return false
	}
	for i := range k.Says {
		for _, killer := range c.killers {
			if mutate.Has(k.Says[i].Payload, killer.typ, killer.length) {
				return true
			}
		}
	}
	return false
}
