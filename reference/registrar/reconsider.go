// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/sha256"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Reconsider admits every association anew, after the Keyring has changed. An identity that
// was withdrawn, has another role or another key now loses its associations, and with them its
// elements unless they come back in time; one whose grant has changed is judged by the new one
// from its next message on. It returns how many associations it has ended.
func (r *Registrar) Reconsider() (ended int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		now := r.cfg.Defences.Admission.Admit(&s.origin, r.cfg.Keys)
		was := s.principal
		if now.Role == was.Role && now.Name == was.Name && r.keyOf(s) == s.key {
			s.principal.Grant = now.Grant
			continue
		}
		r.stats.Withdrawn++
		r.log.Warn("association ended: its identity was withdrawn", "from", s.origin.Info.Remote,
			"identity", was.Name, "role", was.Role.String(), "now", now.Role.String())
		s.dismiss()
		ended++
	}
	return ended
}

// keyOf returns a digest of the key by which the far end of s has authenticated itself, as it
// is now: zero for one that came without and for one that we called, who showed our key.
func (r *Registrar) keyOf(s *session) (digest [sha256.Size]byte) {
	if s.origin.Info.Identity.Kind != tlspsk.PSK || s.origin.Dialed != nil || r.cfg.Keys == nil {
		return digest
	}
	key := r.cfg.Keys.Key(s.origin.Info.Identity.Name)
	digest = sha256.Sum256(key)
	clear(key)
	return digest
}
