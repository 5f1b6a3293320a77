//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"strings"
	"testing"
)

// Names of the subtests that must have passed.
var (
	one      = []string{""}
	underTLS = []string{"/psk", "/certificate"}
	all      = []string{"/clear", "/psk", "/certificate"}
)

// exchanges are tests of package association with the subtests that they have.
var exchanges = map[string][]string{
	"TestMessagesOfEverySizeGoBothWays":       all,
	"TestInfoTellsWhoIsThere":                 all,
	"TestCloseDeliversWhatIsPending":          all,
	"TestAbortIsNoticedAtOnce":                all,
	"TestCancelledReceiveLosesNothing":        all,
	"TestConcurrentSendsStayWhole":            all,
	"TestManyAssociationsAtOnce":              all,
	"TestEmptyMessageIsRefused":               all,
	"TestListenerCloseEndsWhatNobodyAccepted": all,
	"TestSendCutOffInAByteStreamAborts":       underTLS,
	"TestTamperedRecordEndsTheAssociation":    underTLS,

	"TestReadQueueHoldsThePeerUp":               one,
	"TestPPIDAndStreamInClearSCTP":              one,
	"TestStackCarriesDialsAndListenersTogether": one,
	"TestSlowHandshakesHoldUpNobody":            one,
	"TestFailedHandshakeIsToldToBothSides":      one,
	"TestAssociationsOfAListenerAreBounded":     one,
	"TestWrapSeesMessagesAndMayAlterThem":       one,

	"TestAbortOfKernelSCTPTellsTheReason":         one,
	"TestDeadKernelSCTPPeerIsGivenUp":             one,
	"TestDialOfAClosedPortOfKernelSCTPIsRefused":  one,
	"TestKernelSCTPDialsFromAPortThatItListensOn": one,
	"TestOversizedMessageOfKernelSCTPEndsIt":      one,
	"TestPeersOfKernelSCTPShowAllTheirAddresses":  one,
	"TestFixedPortOfKernelSCTPCanBeDialledAgain":  one,
	"TestKernelListenerRestartsWithLivingClients": one,
}

// Both ends are kernel sockets of the guest.
func TestKernelSCTPPassesTheTestsOfEveryTransport(t *testing.T) {
	ctx, g := boot(t)
	for name, parts := range exchanges {
		t.Run(name, func(t *testing.T) {
			out, err := g.Exec(ctx, tool("association"), "-test.v", "-test.timeout=2m", "-test.run=^"+name+"$/^sctp-kernel$")
			for _, part := range parts {
				if !strings.Contains(out, fmt.Sprintf("--- PASS: %s/sctp-kernel%s (", name, part)) {
					t.Errorf("%s did not pass", part)
				}
			}
			if err != nil || t.Failed() {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
