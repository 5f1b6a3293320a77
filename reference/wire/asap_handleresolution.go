// SPDX-License-Identifier: Apache-2.0

package wire

// HandleResolution asks for the pool elements of a pool
// (RFC 5352 section 2.2.5).
type HandleResolution struct {
	// Subscribe is the S flag: send updates while the association lasts.
	Subscribe  bool
	PoolHandle PoolHandle
	// Items is the largest wanted number of pool elements, 0xffffffff for all,
	// if HasItems. Only with Options.HandleResolutionOption.
	Items    uint32
	HasItems bool

	skipped
}

// Protocol returns ASAP.
func (*HandleResolution) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*HandleResolution) Type() uint8 { return TypeHandleResolution }

// Name returns the RFC's name.
func (*HandleResolution) Name() string { return messageNames[ASAP][TypeHandleResolution] }
