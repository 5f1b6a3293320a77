// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"flag"
	"os"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/sut"
)

// The system under test of the suite: `ginkgo ./scenarios -- --sut FILE`, or RSPTHREAT_SUT.
var sutFile = flag.String("sut", os.Getenv("RSPTHREAT_SUT"), "configuration file of the system under test (default: the embedded reference)")

var _ = scenarios.Describe(func() (sut.Target, error) {
	if *sutFile == "" {
		return sut.NewEmbedded()
	}
	cfg, err := sut.LoadConfig(*sutFile)
	if err != nil {
		return nil, err
	}
	return sut.NewExternal(cfg)
})

func TestScenarios(t *testing.T) {
	gomega.RegisterFailHandler(ginkgo.Fail)
	ginkgo.RunSpecs(t, "rspthreat")
}
