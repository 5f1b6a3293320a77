// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
)

func TestHagglerTellsWhatWasAgreedTo(t *testing.T) {
	// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, for the fake's certificate.
	const common uint16 = 0xc02b
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{})
		s, _ := site(t, patience, r.door)
		h := &Haggler{Site: s}
		if suite, agreed, a := h.Offer(t.Context(), r.door, NullWithNull); agreed || suite != 0 || !a.Sent || !a.Ended {
			t.Errorf("agreed %t to %04x: %+v", agreed, suite, a)
		}
		if err := r.refusal(t); err == nil || !strings.Contains(err.Error(), "no cipher suite supported by both") {
			t.Errorf("the registrar says %v", err)
		}
		if suite, agreed, a := h.Offer(t.Context(), r.door, common); !agreed || suite != common {
			t.Errorf("agreed %t to %04x: %+v", agreed, suite, a)
		}
	})
	s, _ := site(t, brief)
	if _, agreed, a := (&Haggler{Site: s}).Offer(t.Context(), closed(true), NullWithNull); agreed || a.Sent || a.Err == nil {
		t.Errorf("nobody is there: %+v", a)
	}
}
