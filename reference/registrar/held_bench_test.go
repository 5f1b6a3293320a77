// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// holderEnv has the test binary hold associations with the registrar at an address instead of
// running tests, so that their other ends are not in the memory that is measured.
const holderEnv = "RSPTHREAT_BENCH_HOLDER"

// heldElements is how many elements are held, spread over the associations.
const heldElements = 10_000

// hold sets up the associations and says so, registers the elements and says so, and ends with
// its input.
func hold(what string) error {
	var at string
	var associations int
	if _, err := fmt.Sscan(what, &at, &associations); err != nil {
		return err
	}
	server, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	local := server.Addr().Next()
	stack, err := association.NewStack(association.StackConfig{Local: local, Transport: association.SCTPUDP, Associations: associations})
	if err != nil {
		return err
	}
	d := association.Dialer{
		Transport: association.SCTPUDP, Stack: stack, PPID: wire.PPIDASAP,
		TLS: &tlspsk.Config{PSKIdentity: "alice", PSKKey: keyOf("alice"), Messages: true},
	}
	ctx, in := context.Background(), bufio.NewReader(os.Stdin)
	var held []association.Association
	for range associations {
		a, err := d.Dial(ctx, server)
		if err != nil {
			return err
		}
		held = append(held, a)
	}
	fmt.Println("associated")
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	for n := range heldElements {
		pe := element(wire.PEID(n+1), local)
		pe.Life = 3600
		b, err := wire.Encode(registration(fmt.Sprintf("pool %d", n/1000), pe))
		if err != nil {
			return err
		}
		a := held[n%len(held)]
		if err := a.Send(ctx, association.Message{Payload: b, PPID: wire.PPIDASAP}); err != nil {
			return err
		}
		if _, err := a.Receive(ctx); err != nil {
			return err
		}
	}
	fmt.Println("registered")
	_, _ = in.ReadString('\n') // until the benchmark has seen enough
	return nil
}

// resident returns the memory of the process: Go's heap, and all with stacks and OpenSSL's.
func resident(b *testing.B) (heap, all float64) {
	b.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(string(bytes.Fields(statm)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(m.HeapAlloc), float64(pages * os.Getpagesize())
}

// BenchmarkWholeMemory holds 10,000 elements that were registered over associations with TLS-PSK,
// ten over each or one, and reports what one idle association and one element take in the registrar.
func BenchmarkWholeMemory(b *testing.B) {
	for _, associations := range []int{heldElements / 10, heldElements} {
		b.Run(fmt.Sprintf("associations=%d", associations), func(b *testing.B) {
			for range b.N {
				benchmarkHeld(b, associations)
			}
		})
	}
}

func benchmarkHeld(b *testing.B, associations int) {
	l := startLimited(b, roomy, unhurried)
	defer l.r.Close(b.Context()) // before the next one is measured
	heap, all := resident(b)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", holderEnv, netip.AddrPortFrom(l.at, wire.PortASAPTLS), associations))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	said := func(want string) {
		if line, err := lines.ReadString('\n'); strings.TrimSpace(line) != want {
			b.Fatalf("the holder said %q, %v", line, err)
		}
	}
	said("associated")
	heapAssociated, allAssociated := resident(b)
	b.ReportMetric((heapAssociated-heap)/float64(associations), "heap-B/association")
	b.ReportMetric((allAssociated-all)/float64(associations), "B/association")
	fmt.Fprintln(in)
	said("registered")
	heapRegistered, allRegistered := resident(b)
	b.ReportMetric((heapRegistered-heapAssociated)/heldElements, "heap-B/element")
	b.ReportMetric((allRegistered-all)/(1<<20), "MiB")
	if s := l.r.Stats(); s.Elements != heldElements || l.r.Associations() != associations {
		b.Errorf("%d elements, %d associations", s.Elements, l.r.Associations())
	}
	_ = in.Close() // ends the holder
	if err := cmd.Wait(); err != nil {
		b.Error(err)
	}
}
