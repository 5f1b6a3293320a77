// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Stand-ins for apt: apt-get leaves what would be downloaded and fails as told by the file "fail"; dpkg-deb unpacks
// what finishImage works on. Both note their calls.
const (
	fakeAptGet = `#!/bin/sh
echo "apt-get $*" >>"$FAKE/calls"
case "$*" in *update*) rm -f "$FAKE/stale"; exit 0;; esac
shift 4
for p; do
	[ "$p" = kmod ] && [ -e "$FAKE/fail" ] && { echo "W: noise" >&2; echo "E: connection lost" >&2; exit 100; }
	[ -e "$FAKE/stale" ] && { echo "E: Unable to locate package $p" >&2; exit 100; }
	: >"${p}_1.2_amd64.deb"
done
`
	fakeDpkgDeb = `#!/bin/sh
echo "dpkg-deb $*" >>"$FAKE/calls"
case "$1" in
--field) echo 1.2 ;;
--extract) mkdir -p "$3/sbin" "$3/bin"; ln -sf /bin/kmod "$3/sbin/modprobe" ;;
esac
`
)

// fakeApt puts the stand-ins first on the path and gives the directory of their notes.
func fakeApt(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{"apt-get": fakeAptGet, "dpkg-deb": fakeDpkgDeb} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("FAKE", dir)
	return dir
}

// options name this test's cache and an agent that is certainly not built with -race.
func options(t *testing.T) Options {
	return Options{Cache: filepath.Join(t.TempDir(), "cache"), Agent: "/bin/sh"}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProvisionIsDoneOnce(t *testing.T) {
	fake := fakeApt(t)
	o := options(t)
	first, err := Provision(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Packages) != len(packages) || first.Packages[0] != (Package{Name: "user-mode-linux", Version: "1.2"}) {
		t.Errorf("packages %v", first.Packages)
	}
	if link, err := os.Readlink(first.path("root/sbin/modprobe")); link != "../bin/kmod" {
		t.Errorf("modprobe is %q, %v: not the image's own", link, err)
	}
	script, err := os.ReadFile(first.path(modprobePath))
	if err != nil || !strings.Contains(string(script), " -d "+first.path("root")+" ") {
		t.Errorf("modprobe script %q, %v: does not name the image's final place", script, err)
	}
	if err := os.Remove(filepath.Join(fake, "calls")); err != nil {
		t.Fatal(err)
	}
	second, err := Provision(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("second image %v, want %v", second, first)
	}
	if calls, err := os.ReadFile(filepath.Join(fake, "calls")); err == nil {
		t.Errorf("the second time called %s", calls)
	}
}

func TestHalfDownloadIsNotUsed(t *testing.T) {
	fake := fakeApt(t)
	o := options(t)
	touch(t, filepath.Join(fake, "fail"))
	_, err := Provision(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "E: connection lost") || strings.Contains(err.Error(), "noise") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(o.Cache); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := os.Remove(filepath.Join(fake, "fail")); err != nil {
		t.Fatal(err)
	}
	if _, err := Provision(t.Context(), o); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestStalePackageListsAreFetched(t *testing.T) {
	fake := fakeApt(t)
	touch(t, filepath.Join(fake, "stale"))
	_, err := Provision(t.Context(), options(t))
	if os.Geteuid() == 0 && err != nil {
		t.Error(err)
	}
	if os.Geteuid() != 0 && (err == nil || !strings.Contains(err.Error(), "apt-get update")) {
		t.Errorf("error %v, want advice", err)
	}
}

func TestKilledRunsAreSweptUp(t *testing.T) {
	fakeApt(t)
	o := options(t)
	old, recent := filepath.Join(o.Cache, "partial-1"), filepath.Join(o.Cache, "partial-2")
	for _, d := range []string{old, recent} {
		if err := os.MkdirAll(filepath.Join(d, "debs"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * partialAge)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	if _, err := Provision(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v, want it removed", old, err)
	}
	if _, err := os.Stat(recent); err != nil {
		t.Errorf("%s may be another run at work: %v", recent, err)
	}
}

func TestProvisionWithoutApt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Provision(t.Context(), options(t))
	if !errors.Is(err, ErrNoApt) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line of %v", err, ErrNoApt)
	}
}

func TestProvisionRefusesPathsTheGuestCannotTake(t *testing.T) {
	o := options(t)
	o.Agent = "/home/me/my programs/rspthreat"
	if _, err := Provision(t.Context(), o); err == nil || !strings.Contains(err.Error(), "my programs") {
		t.Errorf("error %v", err)
	}
}

func TestStartOutsideANamespace(t *testing.T) {
	t.Setenv(isolatedEnv, "net:[1]")
	if _, err := new(Image).Start(t.Context(), Config{}); !errors.Is(err, ErrNotIsolated) {
		t.Errorf("error %v, want %v", err, ErrNotIsolated)
	}
}
