// SPDX-License-Identifier: Apache-2.0

package tlspsk

import "fmt"

// WriteEarlyData implements EarlyDataWriter.
func (c *pskConn) WriteEarlyData(p []byte) (int, error) {
	c.hmu.Lock()
	defer c.hmu.Unlock()
	switch {
	case !c.early || c.server:
		return 0, fmt.Errorf("tlspsk: %w: the configuration does not allow it", ErrEarlyData)
	case c.phase.Load() != phaseNew:
		return 0, fmt.Errorf("tlspsk: %w: the handshake has begun", ErrEarlyData)
	case len(c.earlyOut)+len(p) > MaxEarlyData:
		return 0, fmt.Errorf("tlspsk: %w: %d octets, at most %d", ErrEarlyData, len(c.earlyOut)+len(p), MaxEarlyData)
	}
	c.earlyOut = append(c.earlyOut, p...)
	return len(p), nil
}
