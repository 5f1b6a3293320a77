// SPDX-License-Identifier: Apache-2.0

package poolelement

import "github.com/rspthreat/rspthreat/reference/tlspsk"

// authenticate decides who is a registrar (draft sections 2.6 and 2.12).
//
// Towards a node that we called, only it and we know our key, so that a finished handshake
// with our identity shows the registrar. The key of another element is no use to pose as
// one. A node that called us shows one of the registrars' own keys. An insecure element
// knows no identities and believes everybody (draft section 2.15).
func authenticate(o *Origin) error {
	switch identity := o.Info.Identity; {
	case o.Mode == Insecure:
		return nil
	case !o.Info.Secured:
		return refuse("%s is in clear", o.Info.Remote)
	case identity.Kind != tlspsk.PSK:
		return refuse("%s has not shown a pre-shared key, it is %s", o.Info.Remote, identity)
	case o.Dialed && identity.Name != o.Identity:
		return refuse("%s was authenticated by %s, not by our key", o.Info.Remote, identity)
	case !o.Dialed && (o.Key == nil || o.Key.Name != identity.Name):
		return refuse("%s has shown %s, which is no registrar's key", o.Info.Remote, identity)
	}
	return nil
}
