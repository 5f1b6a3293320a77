// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotIsolated says that a guest was to be started outside a private network namespace.
var ErrNotIsolated = errors.New("guest: this process is not in a network namespace of its own; call Isolate first")

// isolatedEnv names the namespace that Isolate made; children inherit it as they inherit the namespace.
const isolatedEnv = "RSPTHREAT_NETNS"

// Isolate replaces this process by itself, same arguments, environment and open standard streams, inside a new network
// namespace in which only loopback is up; in the new process it returns nil. When the process is in such a namespace
// already, it returns nil at once. Call it early in main, before anything is open or running, and after Provision,
// which needs the network. It needs root.
func Isolate(ctx context.Context) error {
	if Isolated() {
		_, err := run(ctx, "", "ip", "link", "set", "lo", "up")
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	// A namespace belongs to a thread. This one makes it and executes, which ends all others and makes it the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("guest: new network namespace: %w (root is needed)", err)
	}
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	env := []string{isolatedEnv + "=" + name}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, isolatedEnv+"=") {
			env = append(env, kv)
		}
	}
	return fmt.Errorf("guest: %s: %w", self, syscall.Exec(self, os.Args, env))
}

// Isolated reports whether this process is in a network namespace that Isolate made.
func Isolated() bool {
	name, err := os.Readlink("/proc/self/ns/net")
	return err == nil && name == os.Getenv(isolatedEnv)
}
