// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// eps is a list that Linux 6.1.176 printed with rspregistrar running, and a socket that is not listening (state 7) and
// one that has two addresses.
const eps = ` ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
5914dffc 5aca6d89 0   10  21   3863      0    84 10.132.1.2 
55449014 ad65303b 0   10  43   9901      0    88 10.132.1.2 
1c5f2a77 9f3d0a21 0   7   12   40000     0    90 10.132.1.2 
2c5f2a77 af3d0a21 0   10  13   5000      0    91 10.132.1.2 10.132.1.3 
`

func TestAwaitEndpoints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "eps")
	if err := os.WriteFile(file, []byte(eps), 0o600); err != nil {
		t.Fatal(err)
	}
	dead := errors.New("dead")
	for _, c := range []struct {
		wanted  string
		missing string
	}{
		{wanted: "10.132.1.2:3863 10.132.1.2:9901"},
		{wanted: "10.132.1.3:5000"},
		{wanted: "10.132.1.3:3863", missing: "10.132.1.3:3863"},
		{wanted: "10.132.1.2:40000", missing: "10.132.1.2:40000"},
		{wanted: "10.132.1.2:3863 10.132.1.2:3864", missing: "10.132.1.2:3864"},
	} {
		err := awaitEndpoints(t.Context(), file, strings.Fields(c.wanted), func() error { return dead })
		if (err != nil) != (c.missing != "") {
			t.Errorf("%s: %v, want missing %q", c.wanted, err, c.missing)
		}
		if err != nil && (!errors.Is(err, dead) || !strings.Contains(err.Error(), "at "+c.missing+":")) {
			t.Errorf("%s: %v, want missing %q", c.wanted, err, c.missing)
		}
	}
}

func TestAwaitEndpointsThatComeLater(t *testing.T) {
	file := filepath.Join(t.TempDir(), "eps")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := 0
	err := awaitEndpoints(t.Context(), file, []string{"10.132.1.2:3863"}, func() error {
		if asked++; asked < 3 {
			return nil
		}
		return os.WriteFile(file, []byte(eps), 0o600)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAwaitEndpointsGivesUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "eps")
	if err := os.WriteFile(file, []byte(eps), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := awaitEndpoints(ctx, file, []string{"10.132.1.2:1"}, func() error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
