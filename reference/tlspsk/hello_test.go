// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// OpenSSL's table is the independent list: a suite whose key exchange ends in PSK
// is ours to recognise, any other is not.
func TestPSKSuitesAreRecognised(t *testing.T) {
	out, err := exec.Command(tool(t, "openssl", "openssl"), "ciphers", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").Output()
	if err != nil {
		t.Fatal(err)
	}
	psk, other := 0, 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line) // 0x00,0x8C - PSK-AES128-CBC-SHA SSLv3 Kx=PSK ...
		hi, lo, ok := strings.Cut(f[0], ",")
		a, err1 := strconv.ParseUint(hi, 0, 8)
		b, err2 := strconv.ParseUint(lo, 0, 8)
		if !ok || err1 != nil || err2 != nil {
			t.Fatalf("unexpected line %q", line)
		}
		want := strings.HasSuffix(f[4], "PSK")
		if got := isPSKSuite(uint16(a<<8 | b)); got != want {
			t.Errorf("%s %s: recognised %t, want %t", f[0], f[2], got, want)
		}
		if want {
			psk++
		} else {
			other++
		}
	}
	if psk < 50 || other < 50 {
		t.Errorf("only %d and %d suites seen", psk, other)
	}
}

// helloBody builds a ClientHello body from parts.
func helloBody(suites []byte, extensions []byte) []byte {
	b := append([]byte{3, 3}, make([]byte, 32)...)
	b = append(b, 0)
	b = append(b, 0, byte(len(suites)))
	b = append(b, suites...)
	b = append(b, 1, 0)
	if extensions != nil {
		b = append(b, 0, byte(len(extensions)))
		b = append(b, extensions...)
	}
	return b
}

func TestHelloIsUnderstood(t *testing.T) {
	versions13 := []byte{0, 43, 0, 5, 4, 3, 4, 3, 3}
	offer := []byte{0, 41, 0, 1, 9}
	for _, tc := range []struct {
		name               string
		suites, extensions []byte
		want               hello
	}{
		{"1.2 certificates, no extensions", []byte{0, 0x2f}, nil, hello{}},
		{"1.2 PSK among others", []byte{0, 0x2f, 0, 0x8c}, nil, hello{pskSuite: true}},
		{"1.3 certificates", []byte{0x13, 1}, versions13, hello{tls13: true}},
		{"1.3 PSK", []byte{0x13, 1}, append(versions13, offer...), hello{tls13: true, pskOffer: true}},
		{"offer without version", []byte{0x13, 1}, offer, hello{pskOffer: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := helloBody(tc.suites, tc.extensions)
			got, err := parseHello(body)
			if err != nil || got != tc.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tc.want)
			}
			for n := range body {
				if n == len(helloBody(tc.suites, nil)) {
					continue // a hello may end before its extensions
				}
				if _, err := parseHello(body[:n]); !errors.Is(err, ErrMalformedHello) {
					t.Errorf("cut to %d octets: %v", n, err)
				}
			}
			if _, err := parseHello(append(body, 0)); !errors.Is(err, ErrMalformedHello) {
				t.Errorf("trailing octet: %v", err)
			}
		})
	}
}
