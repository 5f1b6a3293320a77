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
// The order of records still counts, so that this is about integrity and not about replay;
// a forgetful one is about replay only.
type credulous struct {
	net.Conn
	keys      *sessionSecrets
	client    bool // it stands at the client, and repairs what the server sends
	forgetful bool // it leaves records as they are, and takes those again that came before

	in      []byte   // received, not yet a whole record
	pending [][]byte // records on their way up

	mu sync.Mutex
	// The random numbers of the two hellos: of this side, and of the far one.
	sentRandom, receivedRandom []byte
	// Of what the far end sends: whether it is encrypted, the number of the next record, and
	// the explicit nonce of the last one.
	encrypted bool
	sequence  uint64
	nonce     uint64
	aead      cipher.AEAD
	block     cipher.Block
	salt      []byte
	seen      map[uint64]uint64 // the numbers of records that came, by their explicit nonce
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

// Write looks for the random number of this side.
func (c *credulous) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.sentRandom == nil && len(b) >= helloRandomAt+helloRandomLength && b[0] == recordHandshake {
		c.sentRandom = bytes.Clone(b[helloRandomAt : helloRandomAt+helloRandomLength])
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

// repair returns a record of the far end with a tag that fits.
func (c *credulous) repair(record []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.receivedRandom == nil && record[0] == recordHandshake && len(record) >= helloRandomAt+helloRandomLength:
		c.receivedRandom = bytes.Clone(record[helloRandomAt : helloRandomAt+helloRandomLength])
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
	c.sequence = c.sequence + 1
	if c.forgetful {
		return c.again(record, nonce, sequence)
	}
	c.nonce = nonce
	if record[0] != recordApplicationData || !inOrder || !c.prepare() {
		return record
	}
	iv := c.iv(record)
	plain := record[recordHeader+explicitNonce : len(record)-gcmTag]
	cipher.NewCTR(c.block, append(bytes.Clone(iv), 0, 0, 0, 2)).XORKeyStream(plain, plain)
	return append(bytes.Clone(record[:recordHeader+explicitNonce]), c.aead.Seal(nil, iv, plain, additional(record, sequence))...)
}

// again lets a record that came before count as the next one.
func (c *credulous) again(record []byte, nonce, sequence uint64) []byte {
	if record[0] != recordApplicationData || !c.prepare() {
		return record
	}
	before, known := c.seen[nonce]
	if !known {
		if c.seen == nil {
			c.seen = make(map[uint64]uint64)
		}
		c.seen[nonce] = sequence
		return record
	}
	iv := c.iv(record)
	plain, err := c.aead.Open(nil, iv, record[recordHeader+explicitNonce:], additional(record, before))
	if err != nil {
		return record // it has been changed, too
	}
	return append(bytes.Clone(record[:recordHeader+explicitNonce]), c.aead.Seal(nil, iv, plain, additional(record, sequence))...)
}

func (c *credulous) iv(record []byte) []byte {
	return append(bytes.Clone(c.salt), record[recordHeader:recordHeader+explicitNonce]...)
}

// additional is what the tag covers beside the text (RFC 5246 section 6.2.3.3).
func additional(record []byte, sequence uint64) []byte {
	out := append(binary.BigEndian.AppendUint64(nil, sequence), record[:3]...)
	return binary.BigEndian.AppendUint16(out, uint16(len(record)-recordHeader-explicitNonce-gcmTag))
}

// prepare derives the far end's keys, and tells whether there are any.
func (c *credulous) prepare() bool {
	if c.aead != nil {
		return true
	}
	clientRandom, serverRandom := c.receivedRandom, c.sentRandom
	if c.client {
		clientRandom, serverRandom = serverRandom, clientRandom
	}
	master := c.keys.master(clientRandom)
	if master == nil || serverRandom == nil {
		return false // of another kind of session
	}
	block := prf(master, "key expansion", append(bytes.Clone(serverRandom), clientRandom...), 2*(gcmKey+gcmSalt))
	key, salt := block[:gcmKey], block[2*gcmKey:2*gcmKey+gcmSalt]
	if c.client { // the server's come second
		key, salt = block[gcmKey:2*gcmKey], block[2*gcmKey+gcmSalt:]
	}
	c.salt = salt
	var err error
	if c.block, err = aes.NewCipher(key); err != nil {
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
