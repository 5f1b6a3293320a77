// SPDX-License-Identifier: Apache-2.0

package attackers

import "sync"

// Company keeps the associations of attackers open until Leave. A registrar may drop what
// came over an association together with it, so an oracle that looks for the effect of an
// attack has to look while the attacker is still there.
type Company struct {
	mu   sync.Mutex
	ends []func()
}

// Stay has end called by Leave.
func (c *Company) Stay(end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends = append(c.ends, end)
}

// Leave ends all associations. It may be called more than once.
func (c *Company) Leave() {
	c.mu.Lock()
	ends := c.ends
	c.ends = nil
	c.mu.Unlock()
	for _, end := range ends {
		end()
	}
}
