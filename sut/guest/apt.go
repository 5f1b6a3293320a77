// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoApt says that this machine has no apt-get and dpkg-deb, so that an image cannot be made here.
var ErrNoApt = errors.New("apt-get and dpkg-deb are needed to make the guest, on Debian 12 or a relative of it")

// provisionTimeout bounds the making of an image: 42 MB over a slow line (100 kB/s) and the unpacking.
const provisionTimeout = 10 * time.Minute

// unpack downloads the packages into dir/debs, unpacks them into dir/root and removes the downloads.
func unpack(ctx context.Context, dir string) ([]Package, error) {
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoApt, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	debs, root := filepath.Join(dir, "debs"), filepath.Join(dir, "root")
	for _, d := range []string{debs, root} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	if err := download(ctx, debs); err != nil {
		return nil, err
	}
	var list []Package
	for _, name := range packages {
		files, err := filepath.Glob(filepath.Join(debs, name+"_*.deb"))
		if err != nil || len(files) != 1 {
			return nil, fmt.Errorf("package %s: apt-get left %d files", name, len(files))
		}
		version, err := run(ctx, debs, "dpkg-deb", "--field", files[0], "Version")
		if err != nil {
			return nil, err
		}
		if _, err := run(ctx, debs, "dpkg-deb", "--extract", files[0], root); err != nil {
			return nil, err
		}
		list = append(list, Package{Name: name, Version: strings.TrimSpace(version)})
	}
	return list, os.RemoveAll(debs)
}

// download fetches the packages. Package lists that are missing or out of date make the first try fail; root may then
// fetch them and try again.
func download(ctx context.Context, debs string) error {
	// apt drops to user _apt, which cannot write to a cache directory of root's.
	argv := append([]string{"apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"}, packages...)
	_, err := run(ctx, debs, argv...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w (apt-get update as root may help)", err)
	}
	if _, failed := run(ctx, debs, "apt-get", "-qq", "update"); failed != nil {
		return errors.Join(err, failed)
	}
	_, err = run(ctx, debs, argv...)
	return err
}

// run gives a command's standard output; its error is one line with the end of what the command said.
func run(ctx context.Context, dir string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s: %w: %s", strings.Join(argv[:min(len(argv), 4)], " "), err, lastLine(stderr.String()))
	}
	return stdout.String(), nil
}

// lastLine is the last line that says something.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
