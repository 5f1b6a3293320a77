// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"fmt"
	"net"
)

// alert is a TLS alert description (RFC 8446 section 6, RFC 4279 section 6).
type alert uint8

// The alerts that this package sends itself, before an engine is chosen.
const (
	alertUnexpectedMessage alert = 10
	alertRecordOverflow    alert = 22
	alertHandshakeFailure  alert = 40
	alertDecodeError       alert = 50

	alertUnknownPSKIdentity alert = 115
)

// alertNames is our own table: OpenSSL 3.0 does not know certificate_required,
// and the two engines would otherwise use different words for the same alert.
var alertNames = map[alert]string{
	0: "close_notify", alertUnexpectedMessage: "unexpected_message", 20: "bad_record_mac",
	alertRecordOverflow: "record_overflow", 30: "decompression_failure",
	alertHandshakeFailure: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", alertDecodeError: "decode_error",
	51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
	86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
	109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
	113: "bad_certificate_status_response", alertUnknownPSKIdentity: "unknown_psk_identity",
	116: "certificate_required", 120: "no_application_protocol",
}

// String returns the name in RFC 8446, or the number of an unknown alert.
func (a alert) String() string {
	if s, ok := alertNames[a]; ok {
		return s
	}
	return fmt.Sprintf("alert(%d)", uint8(a))
}

// sendAlert writes a fatal alert in clear, as one record and one message.
func sendAlert(raw net.Conn, a alert) error {
	_, err := raw.Write([]byte{recordAlert, 3, 3, 0, 2, 2, byte(a)})
	return err
}
