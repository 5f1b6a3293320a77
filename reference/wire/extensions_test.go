// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// extensionVector returns a value of testdata/extensions.txt, which is not our own output.
func extensionVector(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile("testdata/extensions.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			b, err := hex.DecodeString(value)
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
	}
	tb.Fatalf("no vector %s", name)
	return nil
}

// testKey is the private key whose octets count up from first.
func testKey(first byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = first + byte(i)
	}
	return ed25519.NewKeyFromSeed(seed)
}

// opensslAgrees has openssl check a signature of ours.
func opensslAgrees(t *testing.T, key ed25519.PublicKey, statement, signature []byte) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"key": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "statement": statement, "signature": signature,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "statement", "-sigfile", "signature")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl: %v: %s", err, out)
	}
}

// The extensions are skipped like any unknown parameter where they do not belong.
func TestExtensionsAreUnknownElsewhere(t *testing.T) {
	for _, typ := range []ParameterType{ParameterSignedPolicy, ParameterSelectionTicket, ParameterSelectionList} {
		raw := RawMessage(TypeDeregistration).Add(rawHandle(), RawParameter(typ).Put(1), rawPEID())
		m := decodeOK(t, ASAP, Strict(), raw.Bytes())
		if u := m.Unrecognized(); len(u) != 1 || u[0].Type != typ || u[0].Report() || !u[0].Skip() {
			t.Errorf("0x%04x: unrecognized %+v", typ, u)
		}
	}
	inElement := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), rawRR(), RawParameter(ParameterSelectionTicket).Put(1)))
	checkDecodes(t, Strict(), inElement, &Registration{PoolHandle: testHandle, Element: testElement(ownServer)})
}

// A peer that does not know the extensions sees the message without them: this is what their
// action bits say, and what rsplib, Wireshark and our own codec before them do.
func TestExtensionTypesSayToSkip(t *testing.T) {
	for _, typ := range []ParameterType{ParameterSignedPolicy, ParameterSelectionTicket, ParameterSelectionList} {
		if typ>>14 != 0b10 {
			t.Errorf("0x%04x has the action bits %02b", typ, typ>>14)
		}
		// rsplib compares types without the action bits.
		if base := typ & 0x3fff; base <= ParameterOpaque || base == ParameterHandleResolution&0x3fff {
			t.Errorf("0x%04x is 0x%04x for rsplib", typ, base)
		}
	}
	if TypeSelectionProof>>6 != 0 {
		t.Errorf("message 0x%02x is not discarded silently", TypeSelectionProof)
	}
}

func checkSame(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}
