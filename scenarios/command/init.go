// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/schema"
)

// schemaFile is written beside the configuration, for editors.
const schemaFile = "sut.schema.json"

// answers are what init asks for, or is told by flags.
type answers struct {
	Name, Organisation, Product, ProductVersion, Contact string
	Roles                                                []string
	Security, Address, Pool                              string
	Transports                                           []string
	PSKFile, Element, OtherElement                       string
	RestrictedElement, Peer, CAFile, ServerName          string
	AuthorityFile, AuthorityKeyFile                      string
	Start, Adapter                                       []string
	Places                                               []string
	Response, Removal                                    string
}

func defaultAnswers() answers {
	return answers{
		Name: "my system", Roles: []string{string(sut.Registrar)}, Security: string(sut.Secured), Address: "127.0.0.1", Pool: "EchoPool",
		Transports: []string{"sctp-udp", "tcp"}, PSKFile: "keys.psk", Element: "pe-alice",
		AuthorityFile: "authority.pem", AuthorityKeyFile: "authority.key", Places: []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"},
		Response: "2s", Removal: "15s",
	}
}

type initFlags struct {
	answers
	ask, force, make bool
	start, adapter   string
}

func newInit() *cobra.Command {
	f := initFlags{answers: defaultAnswers()}
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented configuration file of a system under test, by asking or by flags",
		Long: "Write a commented configuration file (default: sut.yaml) and its JSON schema for editors. On a terminal it asks\n" +
			"for what no flag gives; an empty answer takes what is in brackets.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.ask, "ask", false, "ask, also when the input is not a terminal")
	flags.BoolVar(&f.force, "force", false, "overwrite the file")
	flags.BoolVar(&f.make, "make-credentials", false, "write the PSK file, or the test authority, that the file names and that is not there")
	flags.StringVar(&f.Name, "name", f.Name, "`name` of the system in reports")
	flags.StringVar(&f.Organisation, "organisation", "", "who makes it")
	flags.StringVar(&f.Product, "product", "", "what it is called")
	flags.StringVar(&f.ProductVersion, "product-version", "", "its version")
	flags.StringVar(&f.Contact, "contact", "", "whom to ask")
	flags.StringSliceVar(&f.Roles, "role", f.Roles, "`roles`: registrar, pe, pu")
	flags.StringVar(&f.Security, "security", f.Security, "secured or clear")
	flags.StringVar(&f.Address, "address", f.Address, "IP `address` of the registrar")
	flags.StringSliceVar(&f.Transports, "transport", f.Transports, "`transports` of the registrar: tcp, sctp, sctp-udp, sctp-kernel")
	flags.StringVar(&f.Pool, "pool", f.Pool, "`pool` to use")
	flags.StringVar(&f.PSKFile, "psk-file", f.PSKFile, "`file` with lines of identity:hexkey")
	flags.StringVar(&f.Element, "element", f.Element, "`identity` of a pool element")
	flags.StringVar(&f.OtherElement, "other-element", "", "`identity` of a second one")
	flags.StringVar(&f.RestrictedElement, "restricted-element", "", "`identity` of one that may not join the pool")
	flags.StringVar(&f.Peer, "peer", "", "`identity` of a peer registrar")
	flags.StringVar(&f.CAFile, "ca-file", "", "`file` of the authority that signed the registrar's certificate")
	flags.StringVar(&f.ServerName, "server-name", "", "`name` in the registrar's certificate")
	flags.StringVar(&f.start, "start", "", "`command` that starts the registrar, in the foreground or not")
	flags.StringVar(&f.adapter, "adapter", "", "`command` of the adapter of pool elements and users, or one that speaks for the registrar")
	flags.StringSliceVar(&f.Places, "place", f.Places, "`addresses` of this machine where an element or user without an adapter looks for registrars")
	return c
}

func (f *initFlags) run(c *cobra.Command, args []string) error {
	path := "sut.yaml"
	if len(args) > 0 {
		path = args[0]
	}
	if f.ask || terminal(c.InOrStdin()) {
		a := &asking{in: bufio.NewScanner(c.InOrStdin()), out: c.ErrOrStderr(), given: func(flag string) bool { return c.Flags().Changed(flag) }}
		if err := f.askAll(a); err != nil {
			return usage(err)
		}
	}
	f.Start, f.Adapter = strings.Fields(f.start), strings.Fields(f.adapter)
	text, err := f.render(filepath.Base(path))
	if err != nil {
		return usage(err)
	}
	if _, err := sut.ParseConfig(text); err != nil {
		return usage(fmt.Errorf("init: with these answers the file would be wrong: %w", err))
	}
	written, err := f.write(path, text)
	if err != nil {
		return &exitError{reports.ExitUsage, err}
	}
	fmt.Fprintf(c.OutOrStdout(), "Written: %s\nNext: rspthreat doctor %s\n", strings.Join(written, ", "), quote(path))
	return nil
}

// errExists: what somebody has written is not overwritten.
var errExists = errors.New("is there already; --force overwrites it")

// write writes everything that the file needs and is not there.
func (f *initFlags) write(path string, text []byte) ([]string, error) {
	if _, err := os.Lstat(path); err == nil && !f.force {
		return nil, fmt.Errorf("init: %s %w", path, errExists)
	}
	dir := filepath.Dir(path)
	files := []struct {
		name string
		text []byte
	}{{filepath.Base(path), text}, {schemaFile, schema.Config}}
	if f.make {
		made, err := f.credentials()
		if err != nil {
			return nil, err
		}
		for name, text := range made {
			if !filepath.IsAbs(name) {
				if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
					files = append(files, struct {
						name string
						text []byte
					}{name, text})
				}
			}
		}
	}
	var written []string
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.text, 0o600); err != nil {
			return written, fmt.Errorf("init: %w", err)
		}
		written = append(written, filepath.Join(dir, file.name))
	}
	return written, nil
}

// terminal tells whether somebody can be asked.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// asking puts questions on a terminal.
type asking struct {
	in    *bufio.Scanner
	out   io.Writer
	given func(flag string) bool
}

// errNoAnswer: the input has ended.
var errNoAnswer = errors.New("init: the input has ended before the questions did")

// ask asks until check likes the answer; a flag that was given is not asked for.
func (a *asking) ask(flag, question string, into *string, check func(string) error) error {
	if a.given(flag) {
		return nil
	}
	for {
		fmt.Fprintf(a.out, "%s [%s]: ", question, *into)
		if !a.in.Scan() {
			fmt.Fprintln(a.out)
			return errors.Join(errNoAnswer, a.in.Err())
		}
		answer := strings.TrimSpace(a.in.Text())
		if answer == "" {
			answer = *into
		}
		if check != nil {
			if err := check(answer); err != nil {
				fmt.Fprintf(a.out, "  %v\n", err)
				continue
			}
		}
		*into = answer
		return nil
	}
}

// list asks for several values.
func (a *asking) list(flag, question string, into *[]string, allowed ...string) error {
	text := strings.Join(*into, ",")
	err := a.ask(flag, question, &text, func(s string) error {
		for v := range strings.SplitSeq(s, ",") {
			if len(allowed) > 0 && !slices.Contains(allowed, strings.TrimSpace(v)) {
				return fmt.Errorf("%q is none of %s", v, strings.Join(allowed, ", "))
			}
		}
		return nil
	})
	*into = nil
	for v := range strings.SplitSeq(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			*into = append(*into, v)
		}
	}
	return err
}

func oneOf(allowed ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(allowed, s) {
			return nil
		}
		return fmt.Errorf("%q is none of %s", s, strings.Join(allowed, ", "))
	}
}

func address(s string) error {
	_, err := netip.ParseAddr(s)
	return err
}

func (f *initFlags) askAll(a *asking) error {
	transports := []string{"tcp", "sctp", "sctp-udp", "sctp-kernel"}
	err := errors.Join(
		a.ask("name", "Name of the system in reports", &f.Name, nil),
		a.list("role", "What is to be judged (registrar, pe, pu)", &f.Roles, "registrar", "pe", "pu"),
		a.ask("security", "Is it secured with TLS, or clear?", &f.Security, oneOf("secured", "clear")),
	)
	if err != nil {
		return errNoAnswer
	}
	if f.has(sut.Registrar) {
		err = errors.Join(err,
			a.ask("address", "IP address of the registrar", &f.Address, address),
			a.list("transport", "Transports that it speaks ("+strings.Join(transports, ", ")+")", &f.Transports, transports...),
			a.ask("start", "Command that starts it (empty: it runs already)", &f.start, nil))
	}
	if f.has(sut.PoolElement) || f.has(sut.PoolUser) {
		err = errors.Join(err, a.ask("adapter", "Command of your adapter (empty: there is none yet)", &f.adapter, nil))
	}
	if f.needsKeys(f.adapter != "") {
		err = errors.Join(err,
			a.ask("psk-file", "File with lines of identity:hexkey", &f.PSKFile, nil),
			a.ask("element", "Identity of a pool element in it", &f.Element, nil))
	}
	if err != nil {
		return errNoAnswer
	}
	return nil
}

func (a *answers) has(r sut.Role) bool { return slices.Contains(a.Roles, string(r)) }

// needsKeys tells whether nobody but the operator can know the keys.
func (a *answers) needsKeys(adapter bool) bool {
	return a.Security == string(sut.Secured) && (a.has(sut.Registrar) || a.has(sut.PoolElement) && !adapter)
}

// needsAuthority tells whether a pool user cannot be told whom to trust.
func (a *answers) needsAuthority(adapter bool) bool {
	return a.Security == string(sut.Secured) && a.has(sut.PoolUser) && !adapter
}

// render fills in the file.
func (a *answers) render(file string) ([]byte, error) {
	var b bytes.Buffer
	if err := initTemplate.Execute(&b, a.view(file)); err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	return b.Bytes(), nil
}
