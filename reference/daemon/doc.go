// SPDX-License-Identifier: Apache-2.0

// Package daemon runs the reference registrar, pool element and pool user from YAML files:
//
//	rspthreat registrar --config registrar.yaml
//	rspthreat pe        --config pe.yaml
//	rspthreat pu        --config pu.yaml
//
// An unknown or repeated key and a wrong value are refused with file, line and key. Paths
// are relative to the directory of the file. Durations are written as 5s or 200ms,
// addresses as "192.0.2.1:3864", server and PE identifiers as numbers (0x11). A transport
// is tcp, sctp (IP protocol 132; needs CAP_NET_RAW), sctp-udp (RFC 6951) or sctp-kernel (the
// SCTP of a kernel that has it).
//
// # Common
//
//	version: 1
//	security: secured            # the default: TLS with registrars; or clear
//	dialect: rfc                 # the default; or rsplib, see below
//	log: {format: text, level: info}  # or json; debug, info, warn, error (pu: warn)
//	metrics: {address: "127.0.0.1:9464"}  # Prometheus at /metrics; without it nothing listens
//
// With dialect: rsplib a daemon gets along with rsplib 3.x, which has no TLS (security: clear):
// it speaks package wire's Rsplib, announcements go by rsplib's group 239.0.0.50, registrars
// dial each other from the port of their ENRP door, and the smaller server ID wins the
// arbitration. Group and arbitration are defaults that the file may change. The reference's
// interop/RSPLIB.md has each departure and its reason.
//
// A PSK file has lines of identity:hexkey, with at least 16 octets of key; lines that begin
// with # are skipped. Certificate files are PEM, the chain included.
//
// # Registrar
//
//	server_id: 0x11              # 0 or absent: random (RFC 5353 section 3.2.1)
//	encapsulation_port: 9899     # our UDP port of sctp-udp
//	doors:
//	  - {protocol: asap, transport: sctp-udp, tls: true, address: "192.0.2.1:3864"}
//	  - {protocol: enrp, transport: sctp-udp, tls: true, address: "192.0.2.1:9902"}
//	psk_file: keys.psk           # required when secured
//	identities:                  # what the holder of a key may do
//	  - {identity: pe-alice, role: pe, pools: [EchoPool]}  # "*" for all pools
//	  - {identity: registrar-2, role: registrar, server_id: 0x12}
//	certificate_file: cert.pem   # what pool users check; without it they cannot come over TLS
//	key_file: key.pem
//	peers:                       # the other registrars; identity: the one by which it comes to us
//	  - {transport: sctp-udp, address: "192.0.2.2:9902", encapsulation_port: 9899, server_id: 0x12, identity: registrar-2}
//	identity: registrar-1        # our own towards peers
//	element_identity: registrar-1-to-elements  # towards elements that are taken over; absent: identity
//	arbitration: larger-id-wins  # RFC 5353 section 3.5.1; or smaller-id-wins, as rsplib
//	announcements: {group: "224.0.1.185:3863", local: "192.0.2.1:0", interface: eth0}
//	timers:
//	  {keep_alive: 30s, keep_alive_timeout: 5s, keep_alive_spacing: 1s,
//	  peer_heartbeat: 30s, max_time_last_heard: 61s, max_time_no_response: 5s,
//	  peer_redial: 5s}
//
//	selection:                   # selection tickets, see reference/EXTENSIONS.md
//	  {key_file: tickets.pem, seed_file: seed.hex, start: 2026-01-01T00:00:00Z, period: 1m, length: 500000}
//
// The anchor that belongs to the seed is logged at the start.
//
// # Pool element
//
//	registrars:                  # server_id: the only one that is accepted there
//	  - {transport: sctp-udp, address: "192.0.2.1:3864", encapsulation_port: 9899, server_id: 0x11}
//	announcements: {listen: "0.0.0.0:3863", groups: [224.0.1.185], interface: eth0, sctp: sctp-udp}
//	local: 192.0.2.10            # to dial from; absent: the address of the first door or service
//	encapsulation_port: 9899     # our UDP port of sctp-udp towards registrars
//	doors:                       # for registrars that come to us after a takeover
//	  - {transport: sctp-udp, tls: true, address: "192.0.2.10:3864"}
//	psk_file: keys.psk           # required when secured
//	identity: pe-alice           # our own
//	registrar_identities:        # who may come through a secured door
//	  - {identity: registrar-2, server_id: 0x12}
//	certificate_file: cert.pem   # of services under TLS, for their address or elements.name
//	key_file: key.pem
//	pools:
//	  - handle: EchoPool
//	    id: 0x10                 # 0 or absent: random
//	    life: 5m                 # or infinite
//	    policy: {name: weighted-random, weight: 10}
//	    service: {transport: tcp, tls: true, address: "192.0.2.10:7000", encapsulation_port: 9899}
//	timers: {registration: 30s, deregistration: 30s, server_hunt: 10s, retry: 1m}
//	policy_key_file: policy.pem  # signs what is registered, see reference/EXTENSIONS.md
//	selection:                   # judges how users have selected the element
//	  {anchor: 94b2..., start: 2026-01-01T00:00:00Z, period: 1m, length: 500000,
//	  registrar_key_files: [tickets.pub], required: true}
//
// The policies are those of RFC 5356: round-robin (the default), weighted-round-robin and
// weighted-random (weight), random, priority (priority), least-used, randomized-least-used
// (load), least-used-degradation, priority-least-used (load, degradation). Load and
// degradation go from 0 to 1.
//
// The service sends back what it gets (package channel has the format). A pool registers
// the address of its service; an unspecified one is replaced by that of the registration.
// A door and an sctp-udp service at one address need different encapsulation ports.
//
// # Pool user
//
//	pool: EchoPool
//	registrars:                  # name: what the certificate must be for; absent: the address
//	  - {transport: tcp, address: "192.0.2.1:3864", name: registrar.example.org}
//	announcements: {name: registrar.example.org}  # otherwise as above
//	local: 192.0.2.20            # to dial from; absent: the system chooses
//	ca_file: ca.pem              # who signs registrars; or psk_file and identity
//	elements:                    # security: secured, preferred or clear
//	  {security: secured, ca_file: elements.pem, name: echo.example.org, sctp: sctp-udp, encapsulation_port: 9899}
//	timers: {request: 15s, connect: 10s, liveness: 60s, failover: 60s, linger: 1s}
//	signed_policies:             # of elements; id 0 or absent: of all in the pool
//	  {required: true, keys: [{id: 0x10, key_file: policy.pub}]}
//	prove_selection: true        # where registrar and policy allow it
//
// Keys of the extensions are Ed25519 in PEM: openssl genpkey -algorithm ed25519, openssl pkey
// -pubout. A seed is 32 octets in hexadecimal digits.
//
// It sends each line of its input as a message and prints each message that comes back as a
// line; a failover is told on stderr before anything goes to the next element. After the
// end of the input it waits until there was no answer for the time linger.
//
// # Signals
//
// SIGTERM and SIGINT end a daemon gracefully: an element deregisters first.
//
// SIGHUP has the registrar read keys, identities and certificate again, and the element its
// keys and certificate. All are taken or none: with a broken file the old ones stay, and
// the log says where it is broken. Other changes, those of the
// registrar's own identity and element_identity among them, need a restart. New keys and certificates
// count for associations that are set up from then on. An identity that the registrar no
// longer finds in its file, or finds in another role or with another key, loses its
// associations, and its elements unless it comes back within keep_alive_timeout. Pools that an
// identity lost or got count at once, on the associations that it has as well.
package daemon
