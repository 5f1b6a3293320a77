// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Version is the format of the configuration files that this version reads.
const Version = 1

// ErrConfig is wrapped by every error about a configuration file. The text has the file,
// the line where there is one, and the key.
var ErrConfig = errors.New("configuration")

// common is what all three files have.
type common struct {
	Version  int     `yaml:"version"`
	Security string  `yaml:"security"`
	Dialect  string  `yaml:"dialect"`
	Log      logging `yaml:"log"`
	Metrics  metrics `yaml:"metrics"`
}

type metrics struct {
	Address string `yaml:"address"`
}

// document is a configuration file that is being translated. The first thing that is wrong
// stays in err; what comes after it may follow from it.
type document struct {
	path string
	tree *ast.File
	err  error
}

// open reads the file at path into the struct that into points to. Unknown and repeated
// keys are refused.
func open(path string, into any) *document {
	d := &document{path: path}
	b, err := os.ReadFile(path)
	if err != nil {
		d.err = fmt.Errorf("%w: %w", ErrConfig, err)
		return d
	}
	if d.tree, err = parser.ParseBytes(b, 0); err == nil {
		err = yaml.UnmarshalWithOptions(b, into, yaml.Strict())
	}
	var placed yaml.Error
	switch {
	case errors.As(err, &placed) && placed.GetToken() != nil:
		d.err = fmt.Errorf("%w %s:%d: %s", ErrConfig, path, placed.GetToken().Position.Line, placed.GetMessage())
	case err != nil:
		d.err = fmt.Errorf("%w %s: %w", ErrConfig, path, err)
	}
	return d
}

// fail notes what is wrong with the value at place, a YAML path such as doors[1].address.
func (d *document) fail(place, format string, args ...any) {
	if d.err != nil {
		return
	}
	d.err = fmt.Errorf("%w %s%s: %s: %w", ErrConfig, d.path, d.line(place), place, fmt.Errorf(format, args...))
}

// line is ":7" for the value at place, and nothing when it is not there.
func (d *document) line(place string) string {
	path, err := yaml.PathString("$." + place)
	if err != nil {
		return ""
	}
	node, err := path.FilterFile(d.tree)
	if err != nil || node == nil || node.GetToken() == nil {
		return ""
	}
	return fmt.Sprintf(":%d", node.GetToken().Position.Line)
}

// file returns where p is, relative to the directory of the configuration file.
func (d *document) file(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(filepath.Dir(d.path), p)
}
