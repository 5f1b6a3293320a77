// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// ErrRaceBuild says that the agent was built with -race, which does not fit in the guest's address space.
var ErrRaceBuild = errors.New("guest: a program built with -race cannot be the agent; name another in Options.Agent")

// packages are what the guest needs beside this machine's own programs. rspserver, rspterminal and hsdump are in
// rsplib-tools; rsplib-services would add nothing but demonstrations, and Qt.
var packages = []string{
	"user-mode-linux",
	"rsplib-registrar", "rsplib-tools", "librsplib3", "libcpprspserver3",
	"libsctp1", "lksctp-tools",
	"kmod", "libkmod2",
}

// imageFormat is part of the image's directory name: raise it when packages or what unpack makes of them change.
const imageFormat = "1"

// partialAge is when an unfinished image is taken for the leftover of a killed run: longer than any download that
// provisionTimeout allows.
const partialAge = time.Hour

// Paths inside an image.
const (
	kernelPath   = "root/usr/bin/linux.uml"
	modprobePath = "modprobe"
	manifestPath = "packages.json"
)

// Options say where an image is kept and which program is the agent. The zero value is good.
type Options struct {
	// Cache is the directory that holds images; default rspthreat/guest in os.UserCacheDir.
	Cache string
	// Agent is the absolute path of the program that runs in the guest, one that calls RunAgent; default is this
	// program. It must not be built with -race.
	Agent string
	// Progress, if set, is told in one line what takes long.
	Progress func(line string)
}

// Package is one unpacked Debian package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Image is what guests boot from. It is read-only and may be shared by many guests.
type Image struct {
	// Dir is the image's directory.
	Dir string
	// Packages are the unpacked packages with their versions, for reports.
	Packages []Package

	agent string
}

// Provision makes an image, or finds the one made earlier. It needs apt-get, dpkg-deb and the network only the first
// time (about 42 MB), and is therefore called before Isolate. A killed or failed run leaves nothing that is used later.
func Provision(ctx context.Context, o Options) (*Image, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Agent == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("guest: %w", err)
		}
		o.Agent = self
	}
	if o.Cache == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("guest: no cache directory: %w", err)
		}
		o.Cache = filepath.Join(cache, "rspthreat", "guest")
	}
	cache, err := filepath.Abs(o.Cache)
	if err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	if strings.ContainsAny(cache+o.Agent, " \t\n:'\"") {
		return nil, fmt.Errorf("guest: %q, %q: white space, quotes and colons cannot be passed to the guest", cache, o.Agent)
	}
	if raceBuild(o.Agent) {
		return nil, fmt.Errorf("%w: %s", ErrRaceBuild, o.Agent)
	}
	dir := filepath.Join(cache, "image-"+imageFormat)
	img, err := openImage(dir)
	if errors.Is(err, os.ErrNotExist) {
		if err = buildImage(ctx, dir, o.Progress); err == nil {
			img, err = openImage(dir)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("guest: image %s: %w", dir, err)
	}
	img.agent = o.Agent
	return img, nil
}

// raceBuild reports whether a Go program was built with -race.
func raceBuild(program string) bool {
	info, err := buildinfo.ReadFile(program)
	return err == nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// openImage opens a finished image; os.ErrNotExist when there is none.
func openImage(dir string) (*Image, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestPath))
	if err != nil {
		return nil, err
	}
	img := &Image{Dir: dir}
	if err := json.Unmarshal(b, &img.Packages); err != nil {
		return nil, fmt.Errorf("%s: %w (remove the image to have it made again)", manifestPath, err)
	}
	return img, nil
}

// buildImage makes the image beside its final place and renames it when it is whole.
func buildImage(ctx context.Context, dir string, progress func(string)) error {
	cache := filepath.Dir(dir)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	if err := removeStale(cache); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(cache, "partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial) // gone already after the rename; otherwise removeStale does it
	if err := os.Chmod(partial, 0o755); err != nil {
		return err
	}
	progress("downloading " + strings.Join(packages, " "))
	list, err := unpack(ctx, partial)
	if err != nil {
		return err
	}
	if err := finishImage(partial, dir, list); err != nil {
		return err
	}
	err = os.Rename(partial, dir)
	if errors.Is(err, os.ErrExist) { // ENOTEMPTY too: someone else was faster, and theirs is whole
		return nil
	}
	return err
}

// finishImage adds what the packages lack. final is where the image is going to be.
func finishImage(partial, final string, list []Package) error {
	lib := filepath.Join(partial, "root/lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		return err
	}
	// modprobe -d ROOT looks in ROOT/lib/modules.
	if err := os.Symlink("../usr/lib/uml/modules", filepath.Join(lib, "modules")); err != nil {
		return err
	}
	// The package's link is absolute, and would be this machine's kmod.
	modprobe := filepath.Join(partial, "root/sbin/modprobe")
	if err := errors.Join(os.Remove(modprobe), os.Symlink("../bin/kmod", modprobe)); err != nil {
		return err
	}
	root := filepath.Join(final, "root")
	script := "#!/bin/sh\nLD_LIBRARY_PATH=" + libraryPath(root) + " exec " + root + "/sbin/modprobe -d " + root + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(partial, modprobePath), []byte(script), 0o755); err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(partial, manifestPath), append(manifest, '\n'), 0o644)
}

// removeStale removes what killed runs left.
func removeStale(cache string) error {
	old, err := filepath.Glob(filepath.Join(cache, "partial-*"))
	if err != nil {
		return err
	}
	for _, p := range old {
		if st, err := os.Stat(p); err == nil && time.Since(st.ModTime()) > partialAge {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// libraryPath is where the unpacked libraries of a root are; both directories hold some.
func libraryPath(root string) string {
	return filepath.Join(root, "usr/lib/x86_64-linux-gnu") + ":" + filepath.Join(root, "lib/x86_64-linux-gnu")
}

// env is the environment of every process in the guest: unpacked programs first, then this machine's own.
func (img *Image) env() []string {
	root := filepath.Join(img.Dir, "root")
	var path []string
	for _, base := range []string{root, "", "/usr/local"} {
		for _, d := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			path = append(path, base+d)
		}
	}
	return []string{
		"PATH=" + strings.Join(path, ":"),
		"LD_LIBRARY_PATH=" + libraryPath(root),
		"HOME=/run", "TMPDIR=/run", "LC_ALL=C.UTF-8", "TERM=dumb",
	}
}

func (img *Image) path(name string) string { return filepath.Join(img.Dir, name) }
