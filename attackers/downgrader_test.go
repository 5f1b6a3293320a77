// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestDowngraderTellsWhoGoesOn with a suite that does not encrypt, by clients of openssl: one
// that offers it, and one that does not.
func TestDowngraderTellsWhoGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "registrar"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	door := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(host(), 0)}
	d, err := Downgrade(ctx, door, NullSHA256, [][]byte{der}, "pu", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for n, row := range []struct {
		ciphers string
		goesOn  bool
	}{{"NULL-SHA256:@SECLEVEL=0", true}, {"ECDHE-RSA-AES128-GCM-SHA256", false}} {
		client := exec.CommandContext(ctx, "openssl", "s_client", "-connect", d.Doors()[0].Addr.String(), "-tls1_2", "-cipher", row.ciphers)
		out, _ := client.CombinedOutput() // it fails either way
		met, err := d.Await(ctx, n)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if met.GoesOn != row.goesOn {
			t.Errorf("a client with %s: %+v; it says %s", row.ciphers, met, out)
		}
	}
}
