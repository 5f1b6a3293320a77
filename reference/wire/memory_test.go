// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"runtime"
	"testing"
)

// fill repeats a part as often as it fits into a message.
func fill(message *Raw, parts ...*Raw) *Raw {
	const outer = 64 // room for what the message is put into
	size := 0
	for _, p := range parts {
		size += len(p.Bytes())
	}
	for range (MaxMessageLength - len(message.Bytes()) - outer) / size {
		message.Add(parts...)
	}
	return message
}

// What an attacker can make the decoder allocate is bounded by what he sends,
// even if the limits are lifted. The worst are causes and unknown parameters: 4
// bytes become 32, and append, growing by a quarter, allocates five times that.
func TestMemoryIsBoundedByTheInput(t *testing.T) {
	const factor, fixed = 8 * 5, 4096
	element := rawElement(rawSCTP(), rawRR())
	o := with(func(o *Options) {
		o.MaxAddresses, o.MaxElements, o.MaxCauses, o.MaxUnrecognized = 1<<16, 1<<16, 1<<16, 1<<16
		o.LooseContent = true
	})
	for name, c := range map[string]struct {
		p   Protocol
		raw *Raw
	}{
		"elements":   {ASAP, fill(RawMessage(TypeHandleResolutionResponse).Add(rawHandle()), element)},
		"transports": {ASAP, fill(RawMessage(TypeServerAnnounce).Put32(1), rawSCTP())},
		"addresses":  {ASAP, RawMessage(TypeServerAnnounce).Put32(1).Add(fill(rawTransport(ParameterSCTP, 1, 0), rawIPv4()))},
		"causes":     {ASAP, RawMessage(TypeASAPError).Add(fill(RawParameter(ParameterOperationError), RawParameter(9)))},
		"unknown":    {ASAP, fill(RawMessage(TypeCookie).Add(rawCookie()), RawParameter(0xc000))},
		"pools":      {ENRP, fill(rawENRP(TypeHandleTableResponse), RawParameter(ParameterPoolHandle).Put(1), element)},
		"empty":      {ENRP, fill(rawENRP(TypeHandleTableResponse), RawParameter(ParameterPoolHandle).Put(1))},
		"servers":    {ENRP, fill(rawENRP(TypeListResponse), rawInformation())},
	} {
		b := c.raw.Bytes()
		if len(b) < MaxMessageLength-200 {
			t.Fatalf("%s: %d bytes", name, len(b))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(c.p, b, &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > factor*uint64(len(b))+fixed {
			t.Errorf("%s: %d bytes allocated for %d (%.1f times)", name, n, len(b), float64(n)/float64(len(b)))
		} else {
			t.Logf("%s: %.1f times", name, float64(n)/float64(len(b)))
		}
		// The default limits refuse most of them early.
		strict := Strict()
		runtime.ReadMemStats(&before)
		_, _ = Decode(c.p, b, &strict)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > factor*uint64(len(b))+fixed {
			t.Errorf("%s: %d bytes allocated under default limits", name, n)
		}
	}
}
