// SPDX-License-Identifier: Apache-2.0

// Package guest runs the third-party RSerPool implementation rsplib (Debian's rspregistrar, rspserver, hsdump)
// on a Linux kernel that has SCTP, whatever the kernel of this machine: a user-mode Linux guest.
//
//	guest.Provision  downloads and unpacks the Debian packages (nothing is installed)
//	guest.Isolate    replaces this process by itself inside a private network namespace
//	Image.Start      boots a guest with N registrars, ready when every SCTP endpoint listens
//	Guest.Reset      fresh registrars in the running guest, well below a second
//	Guest.Exec       a command in the guest; Guest.Spawn one that keeps running; Guest.Attach one with streams of this side
//	Guest.Close      powers the guest off and removes what Start made
//
// # The guest is this program
//
// The guest's root is this machine's / over hostfs, read-only, so no disk image is needed and every program here can run
// there. Its PID 1 is the calling program itself, started with the arguments "guest agent": a program that uses this
// package calls RunAgent first thing when IsAgent says so. A Go agent needs no shell or script in the guest, reports
// exit codes, and is tested here without a guest. The price: a binary built with -race does not fit in the 39-bit address
// space of a user-mode Linux process; Options.Agent then names another build.
//
// A program gets all of it by adding NewCommand to its commands, and then
//
//	PROGRAM guest run -- PROGRAM run --sut sut/rsplib.yaml
//
// isolates itself, boots a guest, runs the command beside it with ControlEnv set, and ends the guest with it; in the
// meantime "PROGRAM guest reset", "stop", "start", "settle", "log" and "exec" act on that guest, and "PROGRAM guest pipe -- COMMAND" runs
// an adapter there. A test binary does the
// same for itself in TestMain, see main_test.go.
//
// # No network for control
//
// Host and agent speak JSON lines over the guest's first serial line, which is one end of a socket pair. The registrars
// see no traffic from it, and the end of the host process, even by SIGKILL, is an end of file that makes the agent power
// the guest off. Output of guest processes goes to files in Guest.Dir, the only directory the guest may write; it has the
// same path on both sides, so logs are readable while, and after, the guest runs.
//
// # Network
//
// Isolate unshares the network namespace and executes the program anew, same process, same arguments. Every socket,
// thread and child is then inside, with nothing to enter, and the namespace, which has no name and no mount, is gone
// when its last process is. The tap device belongs to a file descriptor of this process and goes with it. Guest N of a namespace has the network 10.132.N.0/24: .2 upwards are registrars, .1 is this side,
// and any address of .128/25 may be bound on this side, like 127/8 on loopback, for attackers that need several.
// A namespace that was just made always gives the first guest 10.132.1.0/24, so configuration files can name addresses.
// To look inside from another terminal: nsenter --net=/proc/PID/ns/net (see Guest.Namespace).
package guest
