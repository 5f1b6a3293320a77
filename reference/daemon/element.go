// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/poolelement/echo"
)

// Run serves until ctx ends. Then it deregisters, and ends every association gracefully.
func (c *Element) Run(ctx context.Context, p Process) error {
	log := c.logger(p.Stderr)
	cfg, certificate, users := c.config, newShown(c.certificate), c.echo(log)
	cfg.Logger = log
	cfg.Pools = append([]poolelement.Pool(nil), cfg.Pools...)
	for n, s := range c.services {
		user, err := users.Listen(ctx, s.door(certificate))
		if err != nil {
			return errors.Join(err, users.Close(ctx))
		}
		cfg.Pools[n].User = user
		log.Info("listening", "pool", cfg.Pools[n].Handle.String(), "service", s.addr, "transport", s.transport, "tls", s.secured)
	}
	e, err := poolelement.Start(ctx, cfg)
	if err != nil {
		return errors.Join(err, users.Close(ctx))
	}
	users.Serve(e, cfg.Pools)
	var counts reloads
	stop, err := serveMetrics(ctx, c.metrics, log, counts.collector(),
		newCollector("element", e.Stats, elementMetrics(e, cfg.Pools)), newCollector("echo", users.Stats, echoMetrics()))
	if err == nil {
		log.Info("ready", "mode", cfg.Mode.String(), "identity", cfg.Identity)
		p.serve(ctx, log, &counts, func() error { return c.reload(log, e, certificate) })
		log.Info("closing")
	} else {
		stop = func(context.Context) error { return nil }
	}
	ending, cancel := closing(ctx, elementClose)
	defer cancel()
	return errors.Join(err, e.Close(ending), users.Close(ending), stop(ending))
}

// reload takes keys and certificate from the file as it is now, all or nothing.
func (c *Element) reload(log *slog.Logger, e *poolelement.Element, certificate *shown) error {
	fresh, err := LoadElement(c.path)
	switch {
	case err != nil:
		return err
	case fresh.config.Mode != c.config.Mode:
		return errSecurity
	case (fresh.certificate == nil) != (c.certificate == nil):
		return errCertificate
	}
	if fresh.config.Mode == poolelement.Secured {
		if err := e.ReplaceKeys(fresh.config.Identity, fresh.config.Key, fresh.config.RegistrarKeys); err != nil {
			return err
		}
	}
	certificate.current.Store(fresh.certificate)
	log.Info("reloaded", "identity", fresh.config.Identity, "registrar_keys", len(fresh.config.RegistrarKeys))
	return nil
}

func elementMetrics(e *poolelement.Element, pools []poolelement.Pool) []metric[poolelement.Stats] {
	type stats = poolelement.Stats
	return []metric[stats]{
		counter("selections_refused_total", "Proofs of selection not believed, and data without one.", func(s *stats) uint64 { return s.SelectionsRefused }),
		counter("dials_total", "Attempts to reach a registrar.", func(s *stats) uint64 { return s.Dials }),
		counter("registrars_refused_total", "Associations with nodes that have not shown to be registrars.", func(s *stats) uint64 { return s.RegistrarsRefused }),
		counter("homes_refused_total", "Keep-alives that must not move the element.", func(s *stats) uint64 { return s.HomesRefused }),
		counter("registrations_total", "Registrations sent.", func(s *stats) uint64 { return s.Registrations }),
		counter("keepalives_total", "Keep-alives received.", func(s *stats) uint64 { return s.KeepAlives }),
		counter("acknowledgements_total", "Keep-alives acknowledged.", func(s *stats) uint64 { return s.Acknowledgements }),
		counter("malformed_total", "Messages that could not be decoded.", func(s *stats) uint64 { return s.Malformed }),
		counter("ignored_total", "Messages that had no meaning where they came.", func(s *stats) uint64 { return s.Ignored }),
		gauge("home", "1 while there is a home registrar.", func(*stats) int {
			_, _, ok := e.Home()
			return count(ok)
		}),
		{
			"registered", "1 while the registrar has confirmed the registration in a pool.", prometheus.GaugeValue,
			[]string{"pool"},
			func(*stats) []sample {
				samples := make([]sample, 0, len(pools))
				for _, p := range pools {
					_, registered, _ := e.Member(p.Handle)
					samples = append(samples, sample{float64(count(registered)), []string{p.Handle.String()}})
				}
				return samples
			},
		},
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// echo is the service; it leaves cookies with its users where there is a key to sign them.
func (c *Element) echo(log *slog.Logger) *echo.Service {
	if c.config.Cookies == nil {
		return echo.New(log)
	}
	return echo.New(log, echo.WithCookies())
}

func echoMetrics() []metric[echo.Stats] {
	return []metric[echo.Stats]{
		counter("users_total", "Associations with pool users.", func(s *echo.Stats) uint64 { return s.Users }),
		counter("messages_total", "Messages sent back.", func(s *echo.Stats) uint64 { return s.Messages }),
		counter("octets_total", "Octets of user data sent back.", func(s *echo.Stats) uint64 { return s.Octets }),
		gauge("users", "Pool users there now.", func(s *echo.Stats) int { return s.Present }),
	}
}
