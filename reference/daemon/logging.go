// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"io"
	"log/slog"
	"strings"
)

type logging struct {
	Format string `yaml:"format"`
	Level  string `yaml:"level"`
}

// logger returns what makes the logger of a daemon that has a writer.
func (d *document) logger(l logging, byDefault slog.Level) func(io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: byDefault}
	if l.Level != "" {
		var level slog.Level
		name := d.oneOf("log.level", l.Level, "debug", "info", "warn", "error")
		if err := level.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
			d.fail("log.level", "%w", err)
		}
		options.Level = level
	}
	if d.oneOf("log.format", l.Format, "text", "json") == "json" {
		return func(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, options)) }
	}
	return func(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, options)) }
}
