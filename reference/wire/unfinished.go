// SPDX-License-Identifier: Apache-2.0

package wire

func (m *Registration) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *Registration) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *Registration) clone() Message                                { c := *m; return &c }

func (m *Deregistration) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *Deregistration) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *Deregistration) clone() Message { c := *m; return &c }

func (m *RegistrationResponse) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *RegistrationResponse) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *RegistrationResponse) clone() Message { c := *m; return &c }

func (m *DeregistrationResponse) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *DeregistrationResponse) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *DeregistrationResponse) clone() Message { c := *m; return &c }

func (m *HandleResolution) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *HandleResolution) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *HandleResolution) clone() Message { c := *m; return &c }

func (m *HandleResolutionResponse) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *HandleResolutionResponse) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *HandleResolutionResponse) clone() Message { c := *m; return &c }

func (m *EndpointKeepAlive) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *EndpointKeepAlive) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *EndpointKeepAlive) clone() Message { c := *m; return &c }

func (m *EndpointKeepAliveAck) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *EndpointKeepAliveAck) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *EndpointKeepAliveAck) clone() Message { c := *m; return &c }

func (m *EndpointUnreachable) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *EndpointUnreachable) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *EndpointUnreachable) clone() Message { c := *m; return &c }

func (m *ServerAnnounce) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *ServerAnnounce) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *ServerAnnounce) clone() Message { c := *m; return &c }

func (m *Cookie) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *Cookie) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *Cookie) clone() Message                                { c := *m; return &c }

func (m *CookieEcho) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *CookieEcho) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *CookieEcho) clone() Message                                { c := *m; return &c }

func (m *BusinessCard) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *BusinessCard) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *BusinessCard) clone() Message                                { c := *m; return &c }

func (m *ASAPError) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *ASAPError) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *ASAPError) clone() Message                                { c := *m; return &c }

func (m *Presence) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *Presence) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *Presence) clone() Message                                { c := *m; return &c }

func (m *HandleTableRequest) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *HandleTableRequest) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *HandleTableRequest) clone() Message { c := *m; return &c }

func (m *HandleTableResponse) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *HandleTableResponse) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *HandleTableResponse) clone() Message { c := *m; return &c }

func (m *HandleUpdate) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *HandleUpdate) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *HandleUpdate) clone() Message                                { c := *m; return &c }

func (m *ListRequest) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *ListRequest) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *ListRequest) clone() Message                                { c := *m; return &c }

func (m *ListResponse) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *ListResponse) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *ListResponse) clone() Message                                { c := *m; return &c }

func (m *InitTakeover) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *InitTakeover) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *InitTakeover) clone() Message                                { c := *m; return &c }

func (m *InitTakeoverAck) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *InitTakeoverAck) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *InitTakeoverAck) clone() Message { c := *m; return &c }

func (m *TakeoverServer) Decode(b []byte, o *Options) error { return ErrUnknownMessage }
func (m *TakeoverServer) Append(dst []byte, o *Options) ([]byte, error) {
	return dst, ErrUnknownMessage
}
func (m *TakeoverServer) clone() Message { c := *m; return &c }

func (m *ENRPError) Decode(b []byte, o *Options) error             { return ErrUnknownMessage }
func (m *ENRPError) Append(dst []byte, o *Options) ([]byte, error) { return dst, ErrUnknownMessage }
func (m *ENRPError) clone() Message                                { c := *m; return &c }

func checkType(p Protocol, b []byte) error { return ErrUnknownMessage }
