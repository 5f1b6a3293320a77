// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// Run serves until ctx ends, and then ends every association gracefully.
func (c *Registrar) Run(ctx context.Context, p Process) error {
	log := c.logger(p.Stderr)
	cfg, keys, certificate, err := c.complete(log)
	if err != nil {
		return err
	}
	r, err := registrar.Start(ctx, cfg)
	if err != nil {
		return err
	}
	var counts reloads
	stop, err := serveMetrics(ctx, c.metrics, log, counts.collector(), newCollector("registrar", r.Stats, registrarMetrics()))
	if err == nil {
		for _, d := range r.Doors() {
			log.Info("listening", "door", d.String())
		}
		if s := cfg.Selection; s != nil {
			anchor := s.Chain.Anchor()
			log.Info("selection tickets", "anchor", hex.EncodeToString(anchor.Nonce[:]))
		}
		var joining sync.WaitGroup
		joining.Go(func() {
			select {
			case <-r.InService():
				log.Info("ready", "server", r.ServerID().String(), "mode", cfg.Mode.String())
			case <-ctx.Done():
			}
		})
		p.serve(ctx, log, &counts, func() error { return c.reload(log, r, keys, certificate) })
		joining.Wait()
		log.Info("closing")
	} else {
		stop = func(context.Context) error { return nil }
	}
	ending, cancel := closing(ctx, registrarClose)
	defer cancel()
	return errors.Join(err, r.Close(ending), stop(ending))
}

// complete is the configuration with what a reload may change.
func (c *Registrar) complete(log *slog.Logger) (cfg registrar.Config, keys *registrar.Keys, certificate *shown, err error) {
	cfg, certificate = c.config, newShown(c.certificate)
	cfg.Logger = log
	if cfg.Mode == registrar.Secured {
		if keys, err = registrar.NewKeys(c.identities...); err != nil {
			return cfg, nil, nil, err
		}
		cfg.Keys, cfg.Certificates = keys, certificate.config()
	}
	return cfg, keys, certificate, nil
}

// Config is the configuration of a registrar that logs to w, for whoever starts it in another
// process than a daemon's.
func (c *Registrar) Config(w io.Writer) (registrar.Config, error) {
	cfg, _, _, err := c.complete(c.logger(w))
	return cfg, err
}

// reload takes keys, grants and certificate from the file as it is now, all or nothing.
func (c *Registrar) reload(log *slog.Logger, r *registrar.Registrar, keys *registrar.Keys, certificate *shown) error {
	fresh, err := LoadRegistrar(c.path)
	switch {
	case err != nil:
		return err
	case fresh.config.Mode != c.config.Mode:
		return errSecurity
	case keys == nil:
		log.Info("reloaded: there is nothing to reload in clear")
		return nil
	case (fresh.certificate == nil) != (c.certificate == nil):
		return errCertificate
	}
	withdrawn := []string{}
	for _, name := range keys.Names() {
		if !slices.ContainsFunc(fresh.identities, func(i registrar.Identity) bool { return i.Name == name }) {
			withdrawn = append(withdrawn, name)
		}
	}
	slices.Sort(withdrawn)
	if err := keys.Replace(fresh.identities...); err != nil {
		return err
	}
	if fresh.certificate != nil {
		certificate.current.Store(fresh.certificate)
	}
	ended := r.Reconsider()
	log.Info("reloaded", "identities", len(fresh.identities), "withdrawn", withdrawn, "ended", ended)
	return nil
}

func registrarMetrics() []metric[registrar.Stats] {
	type stats = registrar.Stats
	return []metric[stats]{
		counter("associations_total", "Associations accepted.", func(s *stats) uint64 { return s.Accepted }),
		counter("dropped_total", "Associations refused for lack of resources, and datagrams dropped.", func(s *stats) uint64 { return s.Dropped }),
		counter("malformed_total", "Messages that could not be decoded.", func(s *stats) uint64 { return s.Malformed }),
		counter("registrations_total", "Registrations and re-registrations granted.", func(s *stats) uint64 { return s.Registered }),
		counter("withdrawn_total", "Associations ended because their identity or key was withdrawn.", func(s *stats) uint64 { return s.Withdrawn }),
		counter("removals_total", "Elements removed for whatever reason.", func(s *stats) uint64 { return s.Removed }),
		counter("audits_total", "Re-synchronizations begun because a checksum differed.", func(s *stats) uint64 { return s.Audits }),
		counter("takeovers_total", "Registrars taken over.", func(s *stats) uint64 { return s.Takeovers }),
		gauge("peers", "Registrars on the list now.", func(s *stats) int { return s.Peers }),
		gauge("elements", "Elements in the handlespace now.", func(s *stats) int { return s.Elements }),
		{
			"refused_total", "Requests refused, by defence.", prometheus.CounterValue,
			[]string{"defence"},
			func(s *stats) []sample {
				samples := make([]sample, 0, len(s.Refused))
				for defence, n := range s.Refused {
					samples = append(samples, sample{float64(n), []string{defence}})
				}
				return samples
			},
		},
	}
}
