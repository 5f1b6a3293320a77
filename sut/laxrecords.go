// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"sync"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// laxity is what a record layer lets pass that it should not.
type laxity uint8

const (
	laxIntegrity laxity = iota // records that were changed on the way
	laxReplay                  // records that came before, except the last one again
)

// laxRecords is the record layer of a TLS 1.3 client that does not protect what it receives:
// it stands below TLS and makes of each record that TLS would refuse one that it takes, with
// the keys of the session. It is how a fault of TLS itself is played.
type laxRecords struct {
	net.Conn
	lax  laxity
	keys *trafficSecrets

	random []byte // of the ClientHello, by which the key log names the session

	// What was received, by the only one who reads.
	in       []byte   // not yet a whole record
	pending  [][]byte // on their way up
	aead     cipher.AEAD
	block    cipher.Block
	iv       []byte
	next     uint64 // the number of the next record of the far end
	up       uint64 // and of the next one for TLS
	received []laxRecord
}

// laxRecord is a record that TLS took.
type laxRecord struct{ wire, plain []byte }

// lax prepares config for a client whose record layer is lax, and returns what its transport
// has to be wrapped in.
func lax(config *tlspsk.Config, how laxity) (wrap func(net.Conn) net.Conn) {
	keys := &trafficSecrets{}
	config.MinVersion, config.MaxVersion = tlspsk.TLS13, tlspsk.TLS13
	config.CipherSuites13, config.KeyLog = "TLS_AES_128_GCM_SHA256", keys
	return func(raw net.Conn) net.Conn { return &laxRecords{Conn: raw, lax: how, keys: keys} }
}

// trafficSecrets keeps what servers encrypt with, of a key log, by client random.
type trafficSecrets struct {
	mu      sync.Mutex
	secrets map[string][]byte
}

// Write takes a line of a key log.
func (s *trafficSecrets) Write(line []byte) (int, error) {
	f := bytes.Fields(line)
	if len(f) != 3 || string(f[0]) != "SERVER_TRAFFIC_SECRET_0" {
		return len(line), nil
	}
	secret, err := hex.DecodeString(string(f[2]))
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets == nil {
		s.secrets = make(map[string][]byte)
	}
	s.secrets[string(f[1])] = secret
	return len(line), nil
}

func (s *trafficSecrets) secret(random []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[hex.EncodeToString(random)]
}

// Write looks for the ClientHello, which comes before anything is read.
func (c *laxRecords) Write(b []byte) (int, error) {
	if c.random == nil && len(b) >= helloRandomAt+helloRandomLength {
		c.random = bytes.Clone(b[helloRandomAt : helloRandomAt+helloRandomLength])
	}
	return c.Conn.Write(b)
}

// Read returns whole records, so that over SCTP one is still one message.
func (c *laxRecords) Read(b []byte) (int, error) {
	for len(c.pending) == 0 {
		buffer := make([]byte, 1<<16)
		n, err := c.Conn.Read(buffer)
		if err != nil {
			return n, err
		}
		if _, stream := c.LocalAddr().(*net.TCPAddr); !stream {
			c.take(buffer[:n])
			continue
		}
		c.in = append(c.in, buffer[:n]...)
		for len(c.in) >= recordHeader {
			length := recordHeader + int(binary.BigEndian.Uint16(c.in[3:]))
			if len(c.in) < length {
				break
			}
			c.take(bytes.Clone(c.in[:length]))
			c.in = c.in[length:]
		}
	}
	n := copy(b, c.pending[0])
	if c.pending[0] = c.pending[0][n:]; len(c.pending[0]) == 0 {
		c.pending = c.pending[1:]
	}
	return n, nil
}

// take passes a record up, as it is or as TLS will take it.
func (c *laxRecords) take(record []byte) {
	if len(record) < recordHeader+gcmTag || record[0] != recordApplicationData || !c.prepare() {
		c.pending = append(c.pending, record)
		return
	}
	header, sealed := record[:recordHeader], record[recordHeader:]
	plain, err := c.aead.Open(nil, c.nonce(c.next), sealed, header)
	switch {
	case err == nil:
		c.next++
		c.received = append(c.received, laxRecord{bytes.Clone(record), plain})
	case c.lax == laxReplay:
		var again bool
		if plain, again = c.earlier(record); again {
			return // the last one a second time is taken for a mistake of the network
		}
	default:
		plain = make([]byte, len(sealed)-gcmTag)
		counter := append(c.nonce(c.next), 0, 0, 0, 2) // NIST SP 800-38D section 7.1
		cipher.NewCTR(c.block, counter).XORKeyStream(plain, sealed[:len(plain)])
		c.next++
	}
	if plain == nil {
		c.pending = append(c.pending, record)
		return
	}
	out := c.aead.Seal(bytes.Clone(header), c.nonce(c.up), plain, header)
	c.up++
	c.pending = append(c.pending, out)
}

// earlier finds a record among those that were received, and tells whether it was the last.
func (c *laxRecords) earlier(record []byte) (plain []byte, last bool) {
	for i, r := range c.received {
		if bytes.Equal(r.wire, record) {
			return r.plain, i == len(c.received)-1
		}
	}
	return nil, false
}

// prepare derives the server's keys (RFC 8446 section 7.3), and tells whether there are any. They
// come with the server's Finished, behind which nothing has the keys of the handshake.
func (c *laxRecords) prepare() bool {
	if c.aead != nil {
		return true
	}
	secret := c.keys.secret(c.random)
	if secret == nil {
		return false // in the middle of the handshake
	}
	key, err := expandLabel(secret, "key", gcmKey)
	if err != nil {
		return false
	}
	if c.iv, err = expandLabel(secret, "iv", gcmSalt+explicitNonce); err != nil {
		return false
	}
	if c.block, err = aes.NewCipher(key); err != nil {
		return false
	}
	c.aead, err = cipher.NewGCM(c.block)
	return err == nil
}

// nonce is that of record number n (RFC 8446 section 5.3).
func (c *laxRecords) nonce(n uint64) []byte {
	nonce := bytes.Clone(c.iv)
	at := len(nonce) - 8
	binary.BigEndian.PutUint64(nonce[at:], binary.BigEndian.Uint64(nonce[at:])^n)
	return nonce
}

// expandLabel is HKDF-Expand-Label without a context (RFC 8446 section 7.1).
func expandLabel(secret []byte, label string, length int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(length))
	label = "tls13 " + label
	info = append(info, byte(len(label)))
	info = append(info, label...)
	return hkdf.Expand(sha256.New, secret, string(append(info, 0)), length)
}
