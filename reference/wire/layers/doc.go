// SPDX-License-Identifier: Apache-2.0

// Package layers makes ASAP and ENRP messages layers of gopacket: importing it
// lets gopacket.NewPacket decode them in SCTP DATA chunks with the payload
// protocol identifiers 11 and 12 and on the TCP and UDP ports 3863 and 9901. In
// TCP, gopacket only does so with DecodeOptions.DecodeStreamsAsDatagrams.
//
// gopacket's own decoder of DATA chunks takes the rest of the packet, further
// chunks included, for user data. It is replaced by one that ends at the chunk's
// length and goes on with the next chunk. Messages are decoded leniently, with
// lives in seconds. Fragments of user messages are left as payload.
package layers
