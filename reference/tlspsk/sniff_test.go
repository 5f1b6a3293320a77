// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

func helloRecord(body []byte) []byte {
	b := []byte{recordHandshake, 3, 1, 0, byte(len(body) + handshakeHeader), handshakeClientHello, 0, 0, byte(len(body))}
	return append(b, body...)
}

func TestNoHelloIsAnswered(t *testing.T) {
	big := append([]byte{recordHandshake, 3, 1, 0x40, 0}, make([]byte, maxPlaintext)...)
	big[5], big[6], big[7] = handshakeClientHello, 0, 0x40
	big[8] = 1
	crumbs := bytes.Join(fragments(append([]byte{handshakeClientHello, 0, 0x3f, 0}, make([]byte, 0x3eff)...), 1), nil)
	crumbs = crumbs[:maxHelloWire-sniffRead+1] // what the server reads of it: more would reset the connection
	for _, tc := range []struct {
		name  string
		send  []byte
		want  error
		reply []byte
	}{
		{"HTTP", []byte("GET / HTTP/1.0\r\n\r\n"), ErrNotTLS, nil},
		{"empty record", []byte{22, 3, 1, 0, 0}, ErrMalformedHello, []byte{21, 3, 3, 0, 2, 2, 10}},
		{"application data", []byte{23, 3, 3, 0, 1, 0}, ErrMalformedHello, []byte{21, 3, 3, 0, 2, 2, 10}},
		{"other handshake message", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, ErrMalformedHello, []byte{21, 3, 3, 0, 2, 2, 10}},
		{"malformed hello", []byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3}, ErrMalformedHello, []byte{21, 3, 3, 0, 2, 2, 50}},
		{"record too long", []byte{22, 3, 1, 0x40, 1}, ErrHelloTooLarge, []byte{21, 3, 3, 0, 2, 2, 22}},
		{"hello too long", big, ErrHelloTooLarge, []byte{21, 3, 3, 0, 2, 2, 40}},
		{"end", nil, io.ErrUnexpectedEOF, nil},
		{"end in the hello", []byte{22, 3, 1, 0, 5, 1}, io.ErrUnexpectedEOF, nil},
		{"too many records", crumbs, ErrHelloTooLarge, []byte{21, 3, 3, 0, 2, 2, 40}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := tcpPair(t)
			server, err := Server(b, pskServer())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.Write(tc.send); err != nil {
				t.Fatal(err)
			}
			a.(*net.TCPConn).CloseWrite()
			if err := server.HandshakeContext(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			server.Close()
			a.SetDeadline(time.Now().Add(patience))
			if got, _ := io.ReadAll(a); !bytes.Equal(got, tc.reply) {
				t.Errorf("answer % x, want % x", got, tc.reply)
			}
		})
	}
}

// firstFlight returns what the client sends first.
func firstFlight(t testing.TB, c *Config, early []byte) []byte {
	t.Helper()
	a, b := net.Pipe()
	client, err := Client(a, c)
	if err != nil {
		t.Fatal(err)
	}
	if early != nil {
		if _, err := client.(EarlyDataWriter).WriteEarlyData(early); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() { ended <- client.HandshakeContext(context.Background()) }()
	buf := make([]byte, maxHelloWire)
	n, err := b.Read(buf) // a pipe hands over one Write at a time
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	<-ended
	client.Close()
	return buf[:n]
}

func TestHelloInPiecesIsPutTogether(t *testing.T) {
	for _, v := range []Version{TLS12, TLS13} {
		flight := firstFlight(t, pskClient(only(v)), nil)
		body := flight[recordHeader:]
		for name, pieces := range map[string][][]byte{
			"octets":  bytes.SplitAfter(flight, nil),
			"records": fragments(body, 1),
			"halves":  fragments(body, len(body)/2+1),
		} {
			t.Run(v.String()+"/"+name, func(t *testing.T) {
				a, b := net.Pipe()
				defer a.Close()
				server, err := Server(b, pskServer())
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				go server.HandshakeContext(context.Background())
				a.SetDeadline(time.Now().Add(patience))
				for _, p := range pieces {
					if _, err := a.Write(p); err != nil {
						t.Fatal(err)
					}
				}
				reply := make([]byte, recordHeader+1)
				if _, err := io.ReadFull(a, reply); err != nil {
					t.Fatal(err)
				}
				const serverHello = 2
				if reply[0] != recordHandshake || reply[recordHeader] != serverHello {
					t.Errorf("server answered % x", reply)
				}
			})
		}
	}
}

// fragments puts handshake octets into records of n.
func fragments(b []byte, n int) (out [][]byte) {
	for len(b) > 0 {
		k := min(n, len(b))
		out = append(out, append([]byte{recordHandshake, 3, 1, byte(k >> 8), byte(k)}, b[:k]...))
		b = b[k:]
	}
	return out
}

func FuzzServerHello(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Add(helloRecord(helloBody([]byte{0, 0x8c}, nil)))
	f.Add(helloRecord(helloBody([]byte{0x13, 1}, []byte{0, 43, 0, 3, 2, 3, 4, 0, 41, 0, 1, 9})))
	f.Add(firstFlight(f, pskClient(only(TLS12)), nil))
	f.Add(firstFlight(f, pskClient(only(TLS13)), nil))
	f.Add(bytes.Repeat([]byte{22, 3, 1, 0, 1, 1}, 20))
	sc := both(f, newAuthority(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, peer := net.Pipe()
		server, err := Server(raw, sc)
		if err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, peer)
		ended := make(chan error)
		go func() { ended <- server.HandshakeContext(context.Background()) }()
		peer.Write(b)
		peer.Close()
		select {
		case err := <-ended:
			if err == nil {
				t.Error("random octets were accepted")
			}
		case <-time.After(patience):
			t.Fatal("the server hangs")
		}
		server.Close()
	})
}
