// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// clock compares the clock with what cannot be in its future, and certificates with the clock.
func (x *examination) clock() {
	now := time.Now()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key != "vcs.time" {
				continue
			}
			if built, err := time.Parse(time.RFC3339, s.Value); err == nil && now.Before(built) {
				x.find(Bad, "clock", "set it: certificates are judged by it", "it says %s, before this program was written (%s)", now.Format(time.RFC3339), s.Value)
				return
			}
		}
	}
	x.good("clock", "%s", now.UTC().Format(time.RFC3339))
	for name, file := range map[string]string{
		"credentials.ca_file": x.cfg.Credentials.CAFile, "credentials.authority_file": x.cfg.Credentials.AuthorityFile,
	} {
		if file == "" {
			continue
		}
		b, err := os.ReadFile(x.cfg.path(file))
		if err != nil {
			continue // NewExternal has read it; it has gone since
		}
		block, _ := pem.Decode(b)
		if block == nil {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		switch {
		case now.After(c.NotAfter):
			x.find(Bad, name, "renew it, or set the clock", "it was valid until %s", c.NotAfter.UTC().Format(time.RFC3339))
		case now.Before(c.NotBefore):
			x.find(Bad, name, "set the clock", "it is not valid before %s", c.NotBefore.UTC().Format(time.RFC3339))
		default:
			x.good(name, "valid until %s", c.NotAfter.UTC().Format(time.DateOnly))
		}
	}
}

// othersMayRead are the permissions that a file with keys must not have.
const othersMayRead = 0o077

// files looks at the files that hold keys, and at programs.
func (x *examination) files() {
	in := x.cfg.Credentials
	for name, file := range map[string]string{"credentials.psk_file": in.PSKFile, "credentials.authority_key_file": in.AuthorityKeyFile} {
		if file == "" {
			continue
		}
		info, err := os.Stat(x.cfg.path(file))
		switch {
		case err != nil:
			x.find(Bad, name, "", "%v", err)
		case info.Mode().Perm()&othersMayRead != 0:
			x.find(Caution, name, "chmod 600 "+file, "others may read it (%s)", info.Mode().Perm())
		default:
			x.good(name, "only its owner may read it")
		}
	}
	for name, argv := range x.cfg.programs() {
		if len(argv) == 0 || argv[0] == "rspthreat" {
			continue
		}
		if _, err := lookPath(x.cfg.dir, argv[0]); err != nil {
			x.find(Bad, name, "write its path, from the directory of the file, or install it", "there is no program %s", argv[0])
		}
	}
}

// lookPath finds a program as startGroup does: a path is relative to the directory of the file.
func lookPath(dir, program string) (string, error) {
	if strings.Contains(program, "/") && !strings.HasPrefix(program, "/") {
		program = dir + "/" + program
	}
	return exec.LookPath(program)
}

// programs are all commands of the file by their place.
func (c *Config) programs() map[string][]string {
	out := make(map[string][]string)
	add := func(place string, k *CommandConfig) {
		out[place+".start"], out[place+".reset"], out[place+".stop"], out[place+".log"] = k.Start, k.Reset, k.Stop, k.Log
		out[place+".restart"], out[place+".reload"] = k.Restart, k.Reload
		out[place+".revoke"], out[place+".restore"] = k.Revoke, k.Restore
		if k.Ready != nil {
			out[place+".ready.command"] = k.Ready.Command
		}
	}
	add("commands", &c.Commands)
	if c.Element != nil {
		add("element.commands", &c.Element.Commands)
	}
	if c.User != nil {
		add("user.commands", &c.User.Commands)
	}
	if c.Adapter != nil {
		out["adapter.command"] = c.Adapter.Command
	}
	return out
}

// addresses looks whether the harness may use the transports and addresses that it needs.
func (x *examination) addresses() {
	for _, a := range x.local {
		if err := bindable(a); err != nil {
			x.find(Bad, "local_addresses "+a.String(), "add it to an interface of this machine: ip address add", "%v", err)
		}
	}
	wanted := make(map[association.Transport]bool)
	for _, d := range x.cfg.Doors {
		wanted[association.Transport(d.Transport)] = true
	}
	for _, role := range []Role{PoolElement, PoolUser} {
		for _, p := range x.cfg.node(role).Registrars {
			wanted[association.Transport(p.Transport)] = true
			a, err := netip.ParseAddr(p.Address)
			if err == nil {
				err = bindable(a)
			}
			if err != nil {
				x.find(Bad, string(role)+" registrars "+p.Address, "the harness plays the registrar there: add it to an interface of this machine", "%v", err)
			}
		}
	}
	for _, t := range []association.Transport{association.SCTP, association.SCTPUDP, association.SCTPKernel} {
		if !wanted[t] {
			continue
		}
		s, err := association.NewStack(association.StackConfig{Transport: t, Ephemeral: true})
		switch {
		case err == nil:
			_ = s.Close()
			x.good("transport "+string(t), "can be used")
		case errors.Is(err, association.ErrNotPermitted):
			x.find(Bad, "transport "+string(t), "run as root, or: setcap cap_net_raw+ep rspthreat", "%v", err)
		case errors.Is(err, association.ErrNoKernelSCTP):
			x.find(Bad, "transport "+string(t), "modprobe sctp, or use transport sctp, which is in user space", "%v", err)
		default:
			x.find(Bad, "transport "+string(t), "", "%v", err)
		}
	}
}

// bindable tells whether this machine has an address.
func bindable(a netip.Addr) error {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return err
	}
	return c.Close()
}
