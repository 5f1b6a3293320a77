// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// Literal messages of RFC 5352 and RFC 5353, laid out by hand.
const (
	hexRegistration = "01000038 0009000c 4563686f 506f6f6c 000a0028 12345678 00000000 0000001e" +
		"00040010 12670000 00010008 0a000001 00080008 00000001"
	hexRegistrationResponse = "03000018 0009000c 4563686f 506f6f6c 000e0008 12345678"
	hexHandleResolution     = "05000010 0009000c 4563686f 506f6f6c"
	hexPresence             = "0100000c 0a0b0c0d 55667788"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start is the time of the first frame of every fixture.
var start = time.Date(2026, 11, 2, 9, 30, 0, 123456789, time.UTC)

// frameRecorder collects frames, a millisecond apart.
type frameRecorder struct {
	mu     sync.Mutex
	frames []Frame
}

func (r *frameRecorder) add(f Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Time = start.Add(time.Duration(len(r.frames)) * time.Millisecond)
	f.Data = bytes.Clone(f.Data)
	r.frames = append(r.frames, f)
}

// recordingConn records what one end writes, one frame for each write or, for SCTP, one packet for each TLS record.
type recordingConn struct {
	net.Conn
	record func(b []byte)
}

func (c recordingConn) Write(b []byte) (int, error) {
	c.record(b)
	return c.Conn.Write(b)
}

// tlsDialogue runs TLS of the given version between two recorded ends: request, then response, then close_notify both ways.
// It returns the key log.
func tlsDialogue(t *testing.T, version uint16, client, server func([]byte), request, response []byte) []byte {
	t.Helper()
	keyLog := new(bytes.Buffer)
	cert := selfSigned(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		served <- func() error {
			raw, err := listener.Accept()
			if err != nil {
				return err
			}
			c := tls.Server(recordingConn{raw, server}, &tls.Config{
				Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version, SessionTicketsDisabled: true,
			})
			defer c.Close()
			if _, err := io.ReadFull(c, make([]byte, len(request))); err != nil {
				return err
			}
			if _, err := c.Write(response); err != nil {
				return err
			}
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				return errors.New("no close_notify from the client")
			}
			return nil
		}()
	}()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(recordingConn{raw, client}, &tls.Config{
		InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, KeyLogWriter: keyLog,
	})
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len(response))); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return keyLog.Bytes()
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tcpTLSCapture records a TLS session over TCP to the given port.
func tcpTLSCapture(t *testing.T, version, port uint16, request, response []byte) *Capture {
	t.Helper()
	client, server := netip.MustParseAddrPort("192.0.2.1:40000"), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.2"), port)
	var r frameRecorder
	r.add(Frame{Transport: "tcp", Kind: FrameOpen, Src: client, Dst: server, Comment: "baseline"})
	send := func(src, dst netip.AddrPort) func([]byte) {
		return func(b []byte) { r.add(Frame{Transport: "tcp", Src: src, Dst: dst, Data: b}) }
	}
	keys := tlsDialogue(t, version, send(client, server), send(server, client), request, response)
	r.add(Frame{Transport: "tcp", Kind: FrameClose, Src: client, Dst: server})
	r.add(Frame{Transport: "tcp", Kind: FrameClose, Src: server, Dst: client})
	return &Capture{Frames: r.frames, KeyLog: keys}
}

// sctpEnd is one end of a recorded association; it numbers its DATA chunks.
type sctpEnd struct {
	addr  netip.AddrPort
	port  uint16 // SCTP port
	tag   uint32 // the tag that packets to this end carry
	tsn   uint32
	ssn   uint16
	ppid  uint32
	frame string // transport of the frames: "sctp" or "sctp-udp"
}

// packet builds an SCTP packet from chunks (RFC 9260 section 3).
func (e *sctpEnd) packet(to *sctpEnd, tag uint32, chunks ...[]byte) Frame {
	b := binary.BigEndian.AppendUint16(nil, e.port)
	b = binary.BigEndian.AppendUint16(b, to.port)
	b = binary.BigEndian.AppendUint32(b, tag)
	b = append(b, 0, 0, 0, 0)
	for _, c := range chunks {
		b = append(b, c...)
	}
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return Frame{Transport: e.frame, Src: e.addr, Dst: to.addr, Data: b}
}

func sctpChunk(kind, flags uint8, body []byte) []byte {
	b := append([]byte{kind, flags, 0, 0}, body...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// data builds a packet with one whole user message on stream 0.
func (e *sctpEnd) data(to *sctpEnd, message []byte) Frame {
	b := binary.BigEndian.AppendUint32(nil, e.tsn)
	b = binary.BigEndian.AppendUint16(b, 0)
	b = binary.BigEndian.AppendUint16(b, e.ssn)
	b = binary.BigEndian.AppendUint32(b, e.ppid)
	e.tsn++
	e.ssn++
	return e.packet(to, to.tag, sctpChunk(0, 3, append(b, message...)))
}

// sack acknowledges all that from has sent.
func (e *sctpEnd) sack(from *sctpEnd) Frame {
	b := binary.BigEndian.AppendUint32(nil, from.tsn-1)
	b = binary.BigEndian.AppendUint32(b, 1<<20)
	return e.packet(from, from.tag, sctpChunk(3, 0, append(b, 0, 0, 0, 0)))
}

// openSCTP records the four-way handshake.
func openSCTP(r *frameRecorder, c, s *sctpEnd) {
	initiate := func(e *sctpEnd) []byte {
		b := binary.BigEndian.AppendUint32(nil, e.tag)
		b = binary.BigEndian.AppendUint32(b, 1<<20)
		b = append(b, 0, 10, 0, 10)
		return binary.BigEndian.AppendUint32(b, e.tsn)
	}
	cookie := []byte{0, 7, 0, 8, 'c', 'o', 'o', 'k'}
	r.add(c.packet(s, 0, sctpChunk(1, 0, initiate(c))))
	r.add(s.packet(c, c.tag, sctpChunk(2, 0, append(initiate(s), cookie...))))
	r.add(c.packet(s, s.tag, sctpChunk(10, 0, cookie[4:])))
	r.add(s.packet(c, c.tag, sctpChunk(11, 0, nil)))
}

// sctpEnds returns the two ends of an association to the given SCTP port.
func sctpEnds(transport string, port uint16, ppid uint32) (client, server *sctpEnd) {
	udp := uint16(0)
	if transport == "sctp-udp" {
		udp = 9899
	}
	end := func(a string, port uint16, tag, tsn uint32) *sctpEnd {
		return &sctpEnd{
			addr: netip.AddrPortFrom(netip.MustParseAddr(a), udp),
			port: port, tag: tag, tsn: tsn, ppid: ppid, frame: transport,
		}
	}
	return end("192.0.2.1", 50000, 0x11111111, 1000), end("192.0.2.2", port, 0x22222222, 2000)
}

// sctpTLSCapture records TLS in SCTP user messages as RFC 3436 asks: one record a message, on stream 0, PPID 0.
func sctpTLSCapture(t *testing.T, transport string, version, port uint16, request, response []byte) *Capture {
	t.Helper()
	client, server := sctpEnds(transport, port, 0)
	var r frameRecorder
	openSCTP(&r, client, server)
	send := func(from, to *sctpEnd) func([]byte) {
		return func(b []byte) {
			for len(b) > 0 {
				n := 5 + int(binary.BigEndian.Uint16(b[3:]))
				r.add(from.data(to, b[:n]))
				r.add(to.sack(from))
				b = b[n:]
			}
		}
	}
	keys := tlsDialogue(t, version, send(client, server), send(server, client), request, response)
	return &Capture{Frames: r.frames, KeyLog: keys}
}
