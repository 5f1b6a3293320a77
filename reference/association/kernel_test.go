// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// The kernel of most machines has no SCTP; then every way in says so.
func TestKernelWithoutSCTPIsNamed(t *testing.T) {
	s, err := NewStack(StackConfig{Transport: SCTPKernel})
	if err == nil {
		s.Close()
	}
	protocols, failed := os.ReadFile("/proc/net/protocols") // after a module may have been loaded
	if failed != nil {
		t.Fatal(failed)
	}
	if has := strings.Contains(string(protocols), "SCTP"); has != (err == nil) {
		t.Fatalf("kernel has SCTP: %v, stack: %v", has, err)
	}
	if err == nil {
		return
	}
	at := netip.MustParseAddrPort("127.0.0.1:3863")
	_, dialled := (&Dialer{Transport: SCTPKernel}).Dial(t.Context(), at)
	_, listened := Listen(t.Context(), ListenConfig{Transport: SCTPKernel, Addr: at})
	for _, err := range []error{err, dialled, listened} {
		if !errors.Is(err, ErrNoKernelSCTP) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line of %v", err, ErrNoKernelSCTP)
		}
	}
}

// A caller chooses kernel SCTP by the transport alone and may keep its Stack.
func TestKernelSCTPTakesNoOtherStack(t *testing.T) {
	if !SCTPKernel.IsSCTP() {
		t.Error("SCTPKernel is not SCTP")
	}
	other, at := newStack(t, SCTPUDP, nil), netip.MustParseAddrPort("127.0.0.1:3863")
	if _, err := Listen(t.Context(), ListenConfig{Transport: SCTPKernel, Stack: other}); !errors.Is(err, ErrTransport) {
		t.Errorf("listen: %v", err)
	}
	if _, err := (&Dialer{Transport: SCTPKernel, Stack: other}).Dial(t.Context(), at); !errors.Is(err, ErrTransport) {
		t.Errorf("dial: %v", err)
	}
}
