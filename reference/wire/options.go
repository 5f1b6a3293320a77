// SPDX-License-Identifier: Apache-2.0

package wire

// PaddingRule says whether a length field counts the padding of the last
// parameter inside.
type PaddingRule uint8

// The padding rules. RFC 5354 sections 2 and 4 exclude the last padding, but
// section 3 also says that the total length of a parameter is a multiple of 4
// and that receivers ignore padding. Therefore the strict receiver takes both
// forms while the strict sender excludes it; rsplib includes it.
const (
	PaddingEither   PaddingRule = iota // decode both, encode excluded
	PaddingExcluded                    // decode and encode excluded only
	PaddingIncluded                    // decode both, encode included
)

// Options choose between readings of the RFCs. The zero value is strict: what
// the text says, and the narrower reading where it is silent. Each field says
// which point it is about and what strict means there.
//
// Three questions need no option. Unused flags, reserved fields and the content
// of padding are ignored (RFC 5354 sections 3 and 4). The parameter type 0xffff
// is unknown and handled by its action bits. Types are compared whole; that
// 0x8001 is IPv4 for rsplib, which masks the action bits, is an error not copied.
type Options struct {
	// FinalPadding is about whether Message Length and the lengths of nesting
	// parameters count the last padding. Strict: PaddingEither.
	FinalPadding PaddingRule

	// MissingPadding accepts a message that ends without its final padding.
	// Strict refuses it with ErrTruncated: the total length MUST be a multiple
	// of 4 (RFC 5354 section 4).
	MissingPadding bool

	// TrailingBytes ignores bytes after the message's final padding. Strict
	// refuses them with ErrTrailing: one user message or datagram is one
	// message, and a sender never pads with more than 3 bytes (RFC 5354 section 4).
	TrailingBytes bool

	// AnyOrder accepts the parameters of a message or pool element in any order.
	// Of two transports in a pool element the first is the user transport.
	// Strict wants the order of the figures. The pool entries of a
	// HandleTableResponse depend on order and are not affected.
	AnyOrder bool

	// ExtraParameters ignores parameters of known type that do not belong into
	// the message. Strict refuses them with ErrOrder: no rule allows to skip
	// what is recognized. They are not listed by Unrecognized.
	ExtraParameters bool

	// LooseContent accepts messages whose content contradicts itself: a
	// HandleResolutionResponse with pool elements and an error or with neither
	// (RFC 5352 section 2.2.6), a rejecting HandleTableResponse or ListResponse
	// with entries (RFC 5353 sections 2.3 and 2.6), a BusinessCard or pool entry
	// without pool element, an Operation Error without cause, which is decoded as one
	// with the unspecified cause. Strict refuses.
	LooseContent bool

	// ReservedValues accepts and sends values the RFCs reserve or rule out:
	// Transport Use above 1, Update Action above 1, a registration life below
	// -1, the server ID 0 as sender, target or announced server, and, when
	// sending, policy types reserved by the IETF. Strict refuses all of them,
	// but accepts reserved policy types as policies it does not know. The
	// policy types 0 and 0x40000000 are invalid in any case.
	ReservedValues bool

	// LifeMilliseconds makes the registration life an unsigned number of
	// milliseconds, as in rsplib and Wireshark. Decoding rounds up to seconds;
	// 0xffffffff is LifeInfinite. Encoding caps at 49 days. Strict: signed
	// seconds, -1 infinite (RFC 5354 section 3.10).
	LifeMilliseconds bool

	// TCPUse reads and writes the two bytes after the port of a TCP transport
	// as Transport Use, as rsplib and Wireshark do and as the control channel
	// over TCP of RFC 5355 section 2.16 needs. Strict: reserved, ignored when
	// received, and TCP is "data only" (RFC 5354 section 3.5).
	TCPUse bool

	// NoReplyFlag takes RFC 5353 section 2.1's figure literally, which shows no
	// flags in a Presence. Strict: flag 0x01 is the "reply required" of
	// sections 2.1 and 3.4, as everybody has it; without it 3.4 cannot work.
	NoReplyFlag bool

	// RequireChecksum refuses a Presence without PE checksum. Strict: optional,
	// as RFC 5353 section 2.1 says SHOULD, although section 3.6.1 says MUST.
	RequireChecksum bool

	// RequireServerInformation refuses a Presence without server information.
	// Strict: optional (RFC 5353 section 2.1).
	RequireServerInformation bool

	// ExplicitPolicy refuses a positive HandleResolutionResponse without policy
	// and sends RoundRobin in its place. Strict: optional, absent means
	// RoundRobin (RFC 5352 section 2.2.6).
	ExplicitPolicy bool

	// KeepAlivePEID allows the PE identifier that rsplib adds to an
	// EndpointKeepAlive. Strict refuses it (RFC 5352 section 2.2.7 has none).
	KeepAlivePEID bool

	// TakeoverFlag reads and writes flag 0x01 of a HandleUpdate as rsplib's
	// "takeover suggested". Strict ignores it when received and refuses to send
	// it (RFC 5353 section 2.4).
	TakeoverFlag bool

	// HandleResolutionOption knows the parameter 0x803f of
	// draft-dreibholz-rserpool-asap-hropt. For strict it is an unknown
	// parameter that is skipped when received and refused when sending.
	HandleResolutionOption bool

	// SelectionProof knows the message of that name, an experimental extension, when
	// decoding. Strict: its type is unknown, and its action bits have it discarded.
	SelectionProof bool

	// PrivateCauses sends error causes above 0x0a, which RFC 5354 table 2 does
	// not assign; rsplib has some. Strict refuses to send them. Received causes
	// are never refused for their code, nor for their information.
	PrivateCauses bool

	// NoBusinessCard refuses BusinessCard messages, as rsplib does. Strict: allowed.
	NoBusinessCard bool

	// AlignedCookie refuses cookies whose length is not a multiple of 4, as
	// rsplib does. Strict: any length (RFC 5354 section 3.13).
	AlignedCookie bool

	// TCPFirst sends the TCP transports of a ServerAnnounce before the SCTP
	// ones, and refuses the other order: rsplib does not parse it. Strict: any order.
	TCPFirst bool

	// RoutableOnly refuses to send loopback and link-local addresses in
	// transports and drops received ones, as rsplib does. Strict: no difference.
	RoutableOnly bool

	// UnheardServers takes and sends server information with the server ID 0, which is
	// nobody's, in a ListResponse: rsplib lists the peers that it is configured with before
	// it has heard them. Strict refuses it, as ReservedValues says.
	UnheardServers bool

	// CompleteElements refuses pool elements in ENRP messages without ASAP
	// transport or without home server, as rsplib does. Strict: the ASAP
	// transport is optional (RFC 5352 section 3.1), and home 0 is undetermined
	// (RFC 5354 section 3.10).
	CompleteElements bool

	// MaxPoolHandle is the largest pool handle in bytes; 0 is no limit beyond
	// the length field (RFC 5354 section 3.9). rsplib: 32.
	MaxPoolHandle int

	// MaxAddresses limits the addresses of one transport, MaxElements the pool
	// elements, pool entries, transports or servers in one message, MaxCauses
	// the causes in one error. More is refused with ErrTooLarge. 0 is the
	// default, DefaultMaxAddresses and so on.
	MaxAddresses, MaxElements, MaxCauses int

	// MaxUnrecognized limits how many skipped parameters are remembered, not
	// how many are skipped. 0 is DefaultMaxUnrecognized.
	MaxUnrecognized int
}

// Default limits.
const (
	// DefaultMaxAddresses is far above what hosts have. An address needs three
	// times its wire size in memory.
	DefaultMaxAddresses = 128
	// DefaultMaxElements is above what fits into a message of 65535 bytes, 40
	// bytes being the least for a pool element.
	DefaultMaxElements = 2048
	// DefaultMaxCauses is far above what one message can reasonably cause.
	DefaultMaxCauses = 64
	// DefaultMaxUnrecognized keeps a peer from having thousands of parameters
	// reported back.
	DefaultMaxUnrecognized = 16
)

// rsplibMaxPoolHandle is the size of rsplib's pool handle buffer.
const rsplibMaxPoolHandle = 32

// Strict returns the zero Options.
func Strict() Options { return Options{} }

// Lenient returns options that understand as much as possible of what other
// implementations send. Life stays in seconds, which cannot be told from the
// message. What is sent with them differs from strict only where the caller
// asks for it by a field value that strict refuses.
func Lenient() Options {
	return Options{
		MissingPadding:         true,
		TrailingBytes:          true,
		AnyOrder:               true,
		ExtraParameters:        true,
		LooseContent:           true,
		ReservedValues:         true,
		TCPUse:                 true,
		KeepAlivePEID:          true,
		TakeoverFlag:           true,
		HandleResolutionOption: true,
		PrivateCauses:          true,
	}
}

// Rsplib returns options for talking to rsplib 3.x: what is sent with them is
// accepted there, and what rsplib sends is understood.
func Rsplib() Options {
	return Options{
		FinalPadding:             PaddingIncluded,
		LifeMilliseconds:         true,
		TCPUse:                   true,
		RequireChecksum:          true,
		RequireServerInformation: true,
		ExplicitPolicy:           true,
		KeepAlivePEID:            true,
		TakeoverFlag:             true,
		HandleResolutionOption:   true,
		PrivateCauses:            true,
		NoBusinessCard:           true,
		AlignedCookie:            true,
		TCPFirst:                 true,
		RoutableOnly:             true,
		UnheardServers:           true,
		CompleteElements:         true,
		MaxPoolHandle:            rsplibMaxPoolHandle,
	}
}

// strict is what nil options mean; it is never changed.
var strict Options

// orStrict returns o, or the strict options for nil.
func (o *Options) orStrict() *Options {
	if o == nil {
		return &strict
	}
	return o
}

// limit returns n, or the default for 0.
func limit(n, byDefault int) int {
	if n == 0 {
		return byDefault
	}
	return n
}
