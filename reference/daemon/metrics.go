// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins the name of every metric of ours.
const namespace = "rspthreat"

// Limits of the metrics listener. A scrape is one short request from a host nearby.
const (
	scrapeHeaderTimeout = 5 * time.Second
	scrapeTimeout       = 10 * time.Second // Prometheus' own default
	scrapeIdleTimeout   = 2 * time.Minute  // above the default interval of one minute
	maxScrapes          = 4                // at once; the next one gets 503
)

// serveMetrics answers GET /metrics at addr until stop is called, which waits for it. With
// an empty addr nothing listens.
func serveMetrics(ctx context.Context, addr string, log *slog.Logger, ours ...prometheus.Collector) (stop func(context.Context) error, err error) {
	if addr == "" {
		return func(context.Context) error { return nil }, nil
	}
	registry := prometheus.NewRegistry()
	for _, c := range append(ours, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: scrapeHeaderTimeout, ReadTimeout: scrapeTimeout,
		WriteTimeout: scrapeTimeout, IdleTimeout: scrapeIdleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", "error", err)
		}
	}()
	log.Info("metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		<-ended
		return err
	}, nil
}
