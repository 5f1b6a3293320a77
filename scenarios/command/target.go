// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// openTarget gives the system that the flags name, and how reports describe it.
func openTarget(config string, faults []string) (sut.Target, reports.Subject, error) {
	if config == "" {
		return openEmbedded(faults)
	}
	if len(faults) > 0 {
		return nil, reports.Subject{}, errors.New("--fault is for the embedded reference, not for --sut")
	}
	cfg, err := sut.LoadConfig(config)
	if err != nil {
		return nil, reports.Subject{}, err
	}
	target, err := sut.NewExternal(cfg)
	if err != nil {
		return nil, reports.Subject{}, err
	}
	return target, reports.Subject{
		Name: cfg.Name, Organisation: cfg.Claim.Organisation, Product: cfg.Claim.Product,
		Version: cfg.Claim.Version, Contact: cfg.Claim.Contact,
		Security: string(cfg.Security), Rung: target.Rung(), Doors: reportDoors(target.Doors()), Config: cfg.Redacted(), ConfigFile: config,
	}, nil
}

func openEmbedded(names []string) (sut.Target, reports.Subject, error) {
	faults, err := sut.FindFaults(names...)
	if err != nil {
		return nil, reports.Subject{}, err
	}
	target, err := sut.NewEmbedded(faults...)
	if err != nil {
		return nil, reports.Subject{}, err
	}
	return target, reports.Subject{
		Name: "embedded reference", Product: "rspthreat reference", Version: tool().Version,
		Security: string(target.Security()), Rung: target.Rung(), Doors: reportDoors(target.Doors()),
	}, nil
}

func reportDoors(doors []sut.Door) []reports.Door {
	out := make([]reports.Door, 0, len(doors))
	for _, d := range doors {
		out = append(out, reports.Door{
			Protocol: d.Protocol.String(), Transport: string(d.Transport), Secured: d.Secured, Address: d.Addr.String(),
		})
	}
	return out
}
