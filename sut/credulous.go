// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"sync"
)

// credulousSuite is the suite whose records credulous repairs, by OpenSSL's name.
const credulousSuite = "PSK-AES128-GCM-SHA256"

// sessionSecrets keeps the master secrets of a key log, by client random.
type sessionSecrets struct {
	mu      sync.Mutex
	masters map[string][]byte
}

// Write takes a line of a key log.
func (s *sessionSecrets) Write(line []byte) (int, error) {
	f := bytes.Fields(line)
	if len(f) != 3 || string(f[0]) != "CLIENT_RANDOM" {
		return len(line), nil
	}
	master, err := hex.DecodeString(string(f[2]))
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.masters == nil {
		s.masters = make(map[string][]byte)
	}
	s.masters[string(f[1])] = master
	return len(line), nil
}

func (s *sessionSecrets) master(clientRandom []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.masters[hex.EncodeToString(clientRandom)]
}

// credulous is a connection below TLS 1.2 that gives each record that was changed on the way
// the tag that it would have if its sender had meant it so: TLS above believes everything.
// The order of records still counts, so that this is about integrity and not about replay.
type credulous struct {
	net.Conn
	keys *sessionSecrets

	in      []byte   // received, not yet a whole record
	pending [][]byte // records on their way up

	mu                         sync.Mutex
	clientRandom, serverRandom []byte
	// Of what the client sends: whether it is encrypted, the number of the next record, and
	// the explicit nonce of the last one.
	encrypted bool
	sequence  uint64
	nonce     uint64
	aead      cipher.AEAD
	block     cipher.Block
	salt      []byte
}

// The parts of TLS 1.2 (RFC 5246 sections 6.2.1 and 7.4, RFC 5288 section 3).
const (
	recordChangeCipher    = 20
	recordHandshake       = 22
	recordApplicationData = 23
	recordHeader          = 5
	helloRandomAt         = recordHeader + 4 + 2
	helloRandomLength     = 32
	explicitNonce         = 8
	gcmTag                = 16
	gcmKey                = 16
	gcmSalt               = 4
)

// Write looks for the server's random number.
func (c *credulous) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.serverRandom == nil && len(b) >= helloRandomAt+helloRandomLength && b[0] == recordHandshake {
		c.serverRandom = bytes.Clone(b[helloRandomAt : helloRandomAt+helloRandomLength])
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// Read returns whole records, so that over SCTP one is still one message.
func (c *credulous) Read(b []byte) (int, error) {
	for len(c.pending) == 0 {
		buffer := make([]byte, 1<<16)
		n, err := c.Conn.Read(buffer)
		if err != nil {
			return n, err
		}
		if _, stream := c.LocalAddr().(*net.TCPAddr); !stream { // a message is a record, or nothing
			c.pending = append(c.pending, c.repair(buffer[:n]))
			break
		}
		c.in = append(c.in, buffer[:n]...)
		for len(c.in) >= recordHeader {
			length := recordHeader + int(binary.BigEndian.Uint16(c.in[3:]))
			if len(c.in) < length {
				break
			}
			c.pending = append(c.pending, c.repair(bytes.Clone(c.in[:length])))
			c.in = c.in[length:]
		}
	}
	n := copy(b, c.pending[0])
	if c.pending[0] = c.pending[0][n:]; len(c.pending[0]) == 0 {
		c.pending = c.pending[1:]
	}
	return n, nil
}

// repair returns a record of the client with a tag that fits.
func (c *credulous) repair(record []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.clientRandom == nil && record[0] == recordHandshake && len(record) >= helloRandomAt+helloRandomLength:
		c.clientRandom = bytes.Clone(record[helloRandomAt : helloRandomAt+helloRandomLength])
		return record
	case record[0] == recordChangeCipher:
		c.encrypted = true
		return record
	case !c.encrypted || len(record) < recordHeader+explicitNonce+gcmTag,
		len(record) != recordHeader+int(binary.BigEndian.Uint16(record[3:])):
		return record
	}
	explicit := record[recordHeader : recordHeader+explicitNonce]
	nonce := binary.BigEndian.Uint64(explicit)
	inOrder := c.sequence > 0 && nonce == c.nonce+1
	sequence := c.sequence
	c.sequence, c.nonce = c.sequence+1, nonce
	if record[0] != recordApplicationData || !inOrder || !c.prepare() {
		return record
	}
	iv := append(bytes.Clone(c.salt), explicit...)
	plain := record[recordHeader+explicitNonce : len(record)-gcmTag]
	cipher.NewCTR(c.block, append(bytes.Clone(iv), 0, 0, 0, 2)).XORKeyStream(plain, plain)
	additional := binary.BigEndian.AppendUint64(nil, sequence)
	additional = append(additional, record[:3]...)
	additional = binary.BigEndian.AppendUint16(additional, uint16(len(plain)))
	return append(bytes.Clone(record[:recordHeader+explicitNonce]), c.aead.Seal(nil, iv, plain, additional)...)
}

// prepare derives the client's keys, and tells whether there are any.
func (c *credulous) prepare() bool {
	if c.aead != nil {
		return true
	}
	master := c.keys.master(c.clientRandom)
	if master == nil || c.serverRandom == nil {
		return false // of another kind of session
	}
	block := prf(master, "key expansion", append(bytes.Clone(c.serverRandom), c.clientRandom...), 2*(gcmKey+gcmSalt))
	c.salt = block[2*gcmKey : 2*gcmKey+gcmSalt]
	var err error
	if c.block, err = aes.NewCipher(block[:gcmKey]); err != nil {
		return false
	}
	c.aead, err = cipher.NewGCM(c.block)
	return err == nil
}

// prf is the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246 section 5).
func prf(secret []byte, label string, seed []byte, length int) []byte {
	seed = append([]byte(label), seed...)
	sum := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < length; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:length]
}
