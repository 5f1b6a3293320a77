// SPDX-License-Identifier: Apache-2.0

package wire

// flagReject is the R flag of all responses, and what the S, A, H, W, R and T
// flags of the other messages share with it is their position.
const flagReject = 0x01

// Positions of the parameters in messages about one pool element.
const (
	inTargetHandle = 1 << iota
	inTargetPEID
	inTargetCauses
)

// target decodes the parameters of a message about one pool element: pool
// handle, PE identifier and, if causes is not nil, an optional Operation Error.
func (r *reader) target(s *span, h *PoolHandle, id *PEID, causes *[]Cause) {
	if causes != nil {
		*causes = (*causes)[:0]
	}
	for t, ok := r.next(s); ok; t, ok = r.next(s) {
		switch {
		case t.typ == ParameterPoolHandle:
			if r.single(s, inTargetHandle, t) {
				*h = r.handle(t)
			}
		case t.typ == ParameterPEIdentifier:
			if r.single(s, inTargetPEID, t) {
				*id = PEID(r.word32(t))
			}
		case t.typ == ParameterOperationError && causes != nil:
			if r.single(s, inTargetCauses, t) {
				*causes = r.causes(t, *causes)
			}
		default:
			r.extra(t)
		}
	}
	r.require(s, inTargetHandle, ParameterPoolHandle)
	r.require(s, inTargetPEID, ParameterPEIdentifier)
}

// target encodes the parameters of a message about one pool element.
func (w *writer) target(h PoolHandle, id PEID, causes []Cause) {
	w.handle(h)
	w.word32(ParameterPEIdentifier, uint32(id))
	if len(causes) > 0 {
		w.causes(causes)
	}
}
