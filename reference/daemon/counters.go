// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// sample is one value of a metric, with the values of its labels.
type sample struct {
	value  float64
	labels []string
}

// metric is a metric that is read off S, the statistics of a library, at each scrape.
type metric[S any] struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	read       func(s *S) []sample
}

// counter is a metric without labels that only grows.
func counter[S any](name, help string, read func(s *S) uint64) metric[S] {
	return metric[S]{name, help, prometheus.CounterValue, nil, func(s *S) []sample { return []sample{{float64(read(s)), nil}} }}
}

// gauge is a metric without labels that goes up and down.
func gauge[S any](name, help string, read func(s *S) int) metric[S] {
	return metric[S]{name, help, prometheus.GaugeValue, nil, func(s *S) []sample { return []sample{{float64(read(s)), nil}} }}
}

// collector takes one snapshot for each scrape and reads all metrics off it.
type collector[S any] struct {
	snapshot func() S
	metrics  []metric[S]
	descs    []*prometheus.Desc
}

func newCollector[S any](subsystem string, snapshot func() S, metrics []metric[S]) *collector[S] {
	c := &collector[S]{snapshot: snapshot, metrics: metrics}
	for _, m := range metrics {
		c.descs = append(c.descs, prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, m.name), m.help, m.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector[S]) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector[S]) Collect(out chan<- prometheus.Metric) {
	s := c.snapshot()
	for i, m := range c.metrics {
		for _, v := range m.read(&s) {
			sent, err := prometheus.NewConstMetric(c.descs[i], m.kind, v.value, v.labels...)
			if err != nil {
				sent = prometheus.NewInvalidMetric(c.descs[i], err)
			}
			out <- sent
		}
	}
}

// reloads counts the reloads of a daemon.
type reloads struct{ done, failed atomic.Uint64 }

func (r *reloads) add(err error) {
	if err != nil {
		r.failed.Add(1)
		return
	}
	r.done.Add(1)
}

func (r *reloads) collector() prometheus.Collector {
	return newCollector("", func() *reloads { return r }, []metric[*reloads]{{
		"reloads_total", "Reloads of keys and certificate, by result.", prometheus.CounterValue,
		[]string{"result"},
		func(s **reloads) []sample {
			return []sample{{float64((*s).done.Load()), []string{"done"}}, {float64((*s).failed.Load()), []string{"failed"}}}
		},
	}})
}
