// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"testing"

	"github.com/rspthreat/rspthreat/reference/daemon"
)

// A second registrar joins the first one and has the element that registered there.
func TestRegistrarsJoinAsAGroup(t *testing.T) {
	t.Parallel()
	b := newBed(t, "127.81.6.")
	b.write("keys.psk", psk("pe-a", "31")+psk("pe-b", "32")+psk("registrar-1", "33")+psk("registrar-2", "34"))
	b.replace("registrar.yaml", "identities:\n", `identity: registrar-OWN
identities:
  - {identity: registrar-OTHER, role: registrar, server_id: 0xOTHER}
`)
	b.replace("registrar.yaml", "psk_file", `  - {protocol: enrp, transport: sctp-udp, tls: true, address: "NET.1:9902"}
psk_file`)
	b.replace("registrar.yaml", "OWN", "1")
	b.replace("registrar.yaml", "OTHER", "2")
	first := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	first.log.expect(t, `"msg":"ready"`)
	e := start(b, b.element("b", "11", "1", "tcp"), daemon.LoadElement, nil)
	e.log.expect(t, "msg=registered")

	b.replace("registrar.yaml", b.net+"1:", b.net+"2:")
	b.replace("registrar.yaml", "server_id: 0x11", "server_id: 0x2")
	b.replace("registrar.yaml", "identity: registrar-1", "identity: registrar-2\npeers:\n  - {transport: sctp-udp, address: \"NET.1:9902\", server_id: 0x11}")
	b.replace("registrar.yaml", "{identity: registrar-2, role: registrar, server_id: 0x2}", "{identity: registrar-1, role: registrar, server_id: 0x11}")
	second := start(b, "registrar.yaml", daemon.LoadRegistrar, nil)
	second.log.expect(t, `"msg":"ready"`)
	b.expectMetric("2", "rspthreat_registrar_elements", "1")
	b.expectMetric("2", "rspthreat_registrar_peers", "1")
	b.expectMetric("1", "rspthreat_registrar_peers", "1")
}
